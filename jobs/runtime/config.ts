/**
 * Configuration of a job, checked by one schema: file, then environment, then command line, checked
 * as a whole.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { z } from "zod";
import { allowed, byPath, explain } from "./explain.ts";
import { suggestion } from "./nearest.ts";
import { fromText, leaves, memberAt, type Schema } from "./schema.ts";

/** The sources of a configuration; later ones override earlier ones, member by member. */
export interface ConfigSources {
  /** The parsed configuration file. */
  readonly file?: unknown;
  /** The environment; {@linkcode environmentName} defines the names that are read. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** In the schema's shape; `undefined` members are ignored. */
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * Prefix of environment variables. The second underscore avoids the variables that Kubernetes sets
 * for services.
 */
export const ENV_PREFIX = "CONFIG__";

/**
 * The variable that sets a member: `["kafka", "clientId"]` is
 * `CONFIG__KAFKA__CLIENT_ID`.
 */
export function environmentName(path: readonly string[]): string {
  const names = path.map((key) => key.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase());
  return ENV_PREFIX + names.join("__");
}

/**
 * Reads a configuration.
 *
 * @returns the schema's output: complete, defaults filled in.
 * @throws {PipelineError} `invalid`, one line per problem: the name, the value and the allowed
 * values; for an unknown key the nearest known one.
 */
export function loadConfig<S extends z.ZodType>(schema: S, sources: ConfigSources): z.output<S> {
  const { file = {} } = sources;
  if (!isObject(file)) throw new PipelineError("invalid", "The configuration must be an object");
  const env = fromEnvironment(schema, sources.env ?? {});
  const input = [file, env.values, sources.args ?? {}].reduce(merge);
  const result = schema.safeParse(input, { error: allowed });
  if (result.success && env.unknown.length === 0) return result.data;
  const lines = result.success ? [] : explain(result.error.issues, schema, input, (path) => {
    const variable = env.origins.get(path.join("."));
    return variable === undefined ? byPath(path) : `${byPath(path)} (${variable})`;
  });
  throw new PipelineError("invalid", [...env.unknown, ...lines].join("\n"));
}

/** JSON Schema (draft 7) of the accepted input, for `values.schema.json`. */
export function configJsonSchema(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: "input", target: "draft-7" }) as Record<string, unknown>;
}

interface Environment {
  readonly values: unknown;
  /** Variable by the dotted path that it set. */
  readonly origins: ReadonlyMap<string, string>;
  readonly unknown: readonly string[];
}

function fromEnvironment(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Environment {
  const variables = new Map([...leaves(schema)].map(({ path }) => [environmentName(path), path]));
  let values: unknown = {};
  const origins = new Map<string, string>();
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith(ENV_PREFIX)) continue;
    const path = variables.get(name);
    if (path === undefined) {
      unknown.push(`${name} is not known${suggestion(name, [...variables.keys()])}`);
      continue;
    }
    const read = fromText(memberAt(schema, path)!, value);
    values = merge(values, path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), read));
    origins.set(path.join("."), name);
  }
  return { values, origins, unknown };
}

/** Merges the second over the first: objects member by member, everything else as a whole. */
function merge(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isObject(below) || !isObject(above)) return above;
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) merged.set(key, merge(merged.get(key), value));
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
