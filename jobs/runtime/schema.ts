/**
 * What configuration and command line derive from a zod schema: its keys, its defaults, and how to
 * read a value from text.
 *
 * @module
 */

import type { z } from "zod";

/** Any zod schema. */
export type Schema = z.core.$ZodType;

interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly element?: Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly defaultValue?: unknown;
}

function definition(schema: Schema): Definition {
  return schema._zod.def as unknown as Definition;
}

/** The schema without its optional, default and transform wrappers. */
export function unwrap(schema: Schema): Schema {
  const { type, innerType, in: input } = definition(schema);
  if (innerType !== undefined) return unwrap(innerType);
  return type === "pipe" && input !== undefined ? unwrap(input) : schema;
}

/** Name of the schema's own type, e.g. `object`, `number`, `boolean`, `array`, `enum`. */
export function kindOf(schema: Schema): string {
  return definition(unwrap(schema)).type;
}

/** Members of an object schema; none for any other. */
export function members(schema: Schema): [string, Schema][] {
  return Object.entries(definition(unwrap(schema)).shape ?? {});
}

/** The default of a schema as users would write it, if it has one. */
export function defaultOf(schema: Schema): unknown {
  const { type, innerType, in: input, defaultValue } = definition(schema);
  if (type === "default" || type === "prefault") return defaultValue;
  const inner = innerType ?? (type === "pipe" ? input : undefined);
  return inner === undefined ? undefined : defaultOf(inner);
}

/** The values of an enumeration; `undefined` for other schemas. */
export function choices(schema: Schema): string[] | undefined {
  const { entries } = definition(unwrap(schema));
  return entries === undefined ? undefined : Object.values(entries).map(String);
}

/** The schema of a member, found by its path. */
export function memberAt(schema: Schema, path: readonly PropertyKey[]): Schema | undefined {
  let at: Schema | undefined = schema;
  for (const key of path) {
    if (at === undefined) return undefined;
    const own = unwrap(at);
    const { shape, element } = definition(own);
    at = shape === undefined
      ? element
      : typeof key === "string" && Object.hasOwn(shape, key)
      ? shape[key]
      : undefined;
  }
  return at;
}

/** Paths of all members that are not objects themselves. */
export function* leaves(
  schema: Schema,
  path: readonly string[] = [],
): Generator<{ readonly path: readonly string[]; readonly schema: Schema }> {
  for (const [key, member] of members(schema)) {
    const at = [...path, key];
    if (kindOf(member) === "object") yield* leaves(member, at);
    else yield { path: at, schema: member };
  }
}

const NUMBER = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;

/**
 * Converts a text to the schema's type: numbers, `true` and `false`, comma-separated lists, JSON
 * for the rest. Unreadable values stay text, for the schema to refuse.
 */
export function fromText(schema: Schema, text: string): unknown {
  const own = unwrap(schema);
  switch (definition(own).type) {
    case "number":
    case "int":
      return NUMBER.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "array": {
      const element = definition(own).element!;
      if (text === "") return [];
      return text.split(",").map((item) => fromText(element, item.trim()));
    }
    case "object":
    case "record":
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    default:
      return text;
  }
}
