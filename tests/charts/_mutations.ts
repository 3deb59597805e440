/**
 * Another valid value for each value of a schema.
 *
 * @module
 */

import type { JsonSchema } from "@pipeline/tools/charts";

/** A value and another one that its schema allows. */
export interface Mutation {
  /** Keys from the root of the values. */
  readonly path: readonly string[];
  /** The other value. */
  readonly value: unknown;
}

/** Texts of which one suits every pattern. */
const TEXTS = [
  "other",
  "7Mi",
  "9m",
  "@daily",
  `sha256:${"1".repeat(64)}`,
  "ABCDEFGHIJKLMNOPQRSTUV",
  "/other",
  "5s",
  "https://other.example.com",
  "9GB",
  "other:9",
];

/** A mutation of every value below a schema; `values` are what is there now. */
export function* mutations(
  schema: JsonSchema,
  values: unknown,
  path: readonly string[] = [],
): Generator<Mutation> {
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    const now = (values as Record<string, unknown> | undefined)?.[key];
    const at = [...path, key];
    const deeper = Object.keys(member.properties ?? {}).length > 0;
    if (deeper) yield* mutations(member, now, at);
    else yield { path: at, value: other(member, now) };
  }
}

function other(schema: JsonSchema & { readonly pattern?: string }, now: unknown): unknown {
  const { type, enum: choices, anyOf, items, pattern = "", minimum = 0 } = schema;
  const { properties, required = [] } = schema;
  if (choices !== undefined) return choices.find((choice) => choice !== now && choice !== "");
  if (anyOf !== undefined) return other(anyOf[0]!, now);
  switch (type) {
    case "boolean":
      return now !== true;
    case "integer":
    case "number":
      return (typeof now === "number" ? now : minimum) + 1;
    case "string":
      return TEXTS.find((text) => text !== now && new RegExp(pattern).test(text));
    case "array":
      return [
        items?.type === "object" && isFree(items)
          ? { name: "OTHER", value: "other" }
          : other(items!, undefined),
      ];
    default:
      if (isFree(schema)) return { other: "other" };
      return Object.fromEntries(required.map((key) => [key, other(properties![key]!, undefined)]));
  }
}

/** Whether members of an object are what Kubernetes or a server defines. */
function isFree({ properties = {} }: JsonSchema): boolean {
  return Object.keys(properties).length === 0;
}

/** The value as an object with the path's keys. */
export function nested({ path, value }: Mutation): Record<string, unknown> {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
}

/** Values over others, key by key. */
export function merged(below: unknown, above: unknown): Record<string, unknown> {
  const [under, over] = [below, above] as Record<string, unknown>[];
  if (typeof under !== "object" || typeof over !== "object") return over!;
  const both = { ...under };
  for (const [key, value] of Object.entries(over)) {
    both[key] = key in both ? merged(both[key], value) : value;
  }
  return both;
}

/** A large number for every value of a schema that may be one: as large as the schema allows. */
export function* numbers(schema: JsonSchema, path: readonly string[] = []): Generator<Mutation> {
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    const at = [...path, key];
    yield* numbers(member, at);
    const form = [member, ...member.anyOf ?? []]
      .find(({ type, enum: choices }) =>
        choices === undefined && (type === "integer" || type === "number")
      );
    if (form !== undefined) yield { path: at, value: Math.min(form.maximum ?? LARGE, LARGE) };
  }
}

/** Go prints numbers of seven digits and more with an exponent. */
const LARGE = 12_345_678;
