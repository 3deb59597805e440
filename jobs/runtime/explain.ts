/**
 * Turns the issues of a schema into lines: the name, its value, and the allowed values.
 *
 * @module
 */

import type { z } from "zod";
import { suggestion } from "./nearest.ts";
import { leaves, memberAt, members, type Schema } from "./schema.ts";
import { isSecretKey, presentable, REDACTED } from "./secrets.ts";

/** How messages refer to a member, e.g. `"kafka.brokers"` or `--rate`. */
export type Naming = (path: readonly PropertyKey[]) => string;

/** Names a member by its full path, e.g. `"kafka.brokers[0]"`. */
export const byPath: Naming = (path) => JSON.stringify(pathText(path));

/** A path as text, e.g. `kafka.brokers[0]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number"
        ? `${text}[${key}]`
        : text === ""
        ? String(key)
        : `${text}.${String(key)}`,
    "",
  );
}

/** One line per problem. */
export function explain(
  issues: readonly z.core.$ZodIssue[],
  schema: Schema,
  input: unknown,
  naming: Naming = byPath,
): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(schema, [...issue.path, key], naming));
    }
    if (issue.path.length === 0) return [`The configuration must be ${issue.message}`];
    const value = valueAt(input, issue.path);
    const name = naming(issue.path);
    return value === undefined
      ? [`${name} is missing: it must be ${issue.message}`]
      : [`${name} is ${show(issue.path, value)}: it must be ${issue.message}`];
  });
}

function unknownKey(schema: Schema, path: readonly PropertyKey[], naming: Naming): string {
  const parent = path.slice(0, -1);
  const beside = members(memberAt(schema, parent) ?? schema).map(([key]) => [...parent, key]);
  // A key may be misspelt, or nested at the wrong level.
  const elsewhere = [...leaves(schema)].map((leaf) => [...leaf.path]);
  const known = new Set([...beside, ...elsewhere].map(pathText));
  const sameName = elsewhere.find((other) => other.at(-1) === path.at(-1));
  const hint = sameName === undefined
    ? suggestion(pathText(path), [...known])
    : `; did you mean ${JSON.stringify(pathText(sameName))}?`;
  return `${naming(path)} is not known${hint}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let at = input;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

function show(path: readonly PropertyKey[], value: unknown): string {
  if (path.some((key) => typeof key === "string" && isSecretKey(key))) return REDACTED;
  const text = JSON.stringify(presentable(value)) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The allowed values, for schemas that do not name them themselves. */
export const allowed: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return TYPES[issue.expected] ?? `of type ${issue.expected}`;
    case "invalid_value":
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "too_small":
      return limit("at least", issue.origin, Number(issue.minimum), issue.inclusive ?? true);
    case "too_big":
      return limit("at most", issue.origin, Number(issue.maximum), issue.inclusive ?? true);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_format":
      return issue.pattern === undefined
        ? `text of the form "${issue.format}"`
        : `text that matches ${issue.pattern}`;
    case "invalid_union":
      return "of one of the allowed forms";
    default:
      return undefined;
  }
};

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function limit(bound: string, origin: string, value: number, inclusive: boolean): string {
  if (origin === "string") return `text of ${bound} ${value} characters`;
  if (origin === "array") return `a list of ${bound} ${value}`;
  return inclusive
    ? `${bound} ${value}`
    : `${bound === "at least" ? "more" : "less"} than ${value}`;
}
