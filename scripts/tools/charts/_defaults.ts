/**
 * The defaults of a job's settings as comments of its subchart's values: who opens the file sees what can be set.
 *
 * @module
 */

import type { JsonSchema } from "./values.ts";

const HEAD = "# The job's own defaults, written by `make charts`:";

/** The text of a values file, with the lines below {@linkcode HEAD} written anew from the schema of `config`. */
export function withDefaults(text: string, config: JsonSchema): string {
  const before = text.indexOf(`${HEAD}\n`);
  if (before < 0) throw new Error(`The values have no line ${JSON.stringify(HEAD)}`);
  const lines = defaultLines(config).map((line) => `#   ${line}`);
  const after = text.slice(before + HEAD.length + 1).replace(/^(# {3}.*\n)*/, "");
  return `${text.slice(0, before)}${[HEAD, ...lines].join("\n")}\n${after}`;
}

/** A line a setting, in YAML; one without a default has no value. */
function defaultLines({ properties = {} }: JsonSchema): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const { description } = schema;
    const what = description === undefined ? "" : ` # ${description}`;
    if (schema.properties !== undefined) {
      return [`${name}:${what}`, ...defaultLines(schema).map((line) => `  ${line}`)];
    }
    const value = schema.default === undefined ? "" : ` ${JSON.stringify(schema.default)}`;
    return [`${name}:${value}${what}`];
  });
}
