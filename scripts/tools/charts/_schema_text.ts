/**
 * The text of a schema: one property per line, with repeated parts defined once.
 *
 * @module
 */

import { configJsonSchema } from "@pipeline/runtime";
import { egressRule, ingressRule, peer, rulePorts, selector } from "./_network.ts";
import { amounts, image, probe, resources } from "./_parts.ts";
import type { JsonSchema } from "./values.ts";

/** Texts of repeated parts, by the name of their single definition. */
const FRAGMENTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ selector, peer, ports: rulePorts, ingressRule, egressRule },
    ...{ amounts, resources, image, probe: probe() },
  }).map(([name, fragment]) => {
    const { $schema: _, ...schema } = configJsonSchema(fragment);
    return [JSON.stringify(schema), name] as const;
  }),
);

/** Text of a schema's file. */
export function schemaText(schema: JsonSchema): string {
  const whole = JSON.stringify(schema);
  const names = new Map([...FRAGMENTS].filter(([text]) => whole.split(text).length > 2));
  const definitions = [...names].map(([text, name]) => [name, shared(JSON.parse(text), names)]);
  return `${
    print({
      ...shared(schema, names) as object,
      ...(names.size === 0 ? {} : { definitions: Object.fromEntries(definitions) }),
    })
  }\n`;
}

/**
 * Replaces parts of a value by references to the fragments of those names, except for the value
 * itself.
 */
function shared(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const inner = (member: unknown) => {
    const name = names.get(JSON.stringify(member));
    return name === undefined ? shared(member, names) : { $ref: `#/definitions/${name}` };
  };
  if (Array.isArray(value)) return value.map(inner);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, inner(member)]));
}

/** Members of a schema whose own members have arbitrary names. */
const NAMED = ["properties", "definitions"];

/**
 * Prints short values, and those without properties, on one line; of others each property on a
 * line, at the end.
 */
function print(value: unknown, indent = ""): string {
  const line = JSON.stringify(value, null, 1).replaceAll(/\n */g, " ");
  if (line.length <= 120 || !/"properties": \{ "/.test(line)) return line;
  const deeper = `${indent}  `;
  const block = (items: readonly string[], [open, close]: string) =>
    `${open}\n${items.map((item) => `${deeper}${item}`).join(",\n")}\n${indent}${close}`;
  if (Array.isArray(value)) return block(value.map((item) => print(item, deeper)), "[]");
  const members = Object.entries(value as object).map(([key, member]) => {
    const text = NAMED.includes(key)
      ? block(
        Object.entries(member).map(([name, one]) => `"${name}": ${print(one, deeper)}`),
        "{}",
      )
      : print(member, indent);
    return `"${key}": ${text}`;
  });
  const last = (text: string) => text.includes("\n") ? 1 : 0;
  return `{ ${members.toSorted((a, b) => last(a) - last(b)).join(", ")} }`;
}
