/**
 * Parameters of requests: typed, capped, and each with a sentence that names the allowed values.
 *
 * @module
 */

import {
  MAX_ID_LENGTH,
  parseTime,
  type Topic,
  TOPICS,
  WINDOW_NAMES,
  type WindowName,
} from "@pipeline/core";
import { z } from "@hono/zod-openapi";
import type { LeastOffsets } from "../reading/round.ts";

/** An integer of a query. */
export function integerParameter(
  name: string,
  limits: { readonly min: number; readonly max: number; readonly default: number },
): z.ZodType<number, string | undefined> {
  const { min, max } = limits;
  const error = `an integer between ${min} and ${max}`;
  return z.string({ error }).regex(/^\d{1,9}$/, { error }).transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }))
    .prefault(String(limits.default))
    .openapi({
      param: { name, in: "query", required: false },
      type: "integer",
      minimum: min,
      maximum: max,
      default: limits.default,
    });
}

/** One of a few words. */
export function wordParameter<const T extends readonly [string, ...string[]]>(
  name: string,
  words: T,
  fallback: T[number],
): z.ZodType<T[number], string | undefined> {
  const error = `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`;
  return z.enum(words, { error }).prefault(fallback as never).openapi({
    param: { name, in: "query", required: false },
    type: "string",
    enum: [...words],
    default: fallback,
  }) as unknown as z.ZodType<T[number], string | undefined>;
}

/** The size of windows. */
export function windowParameter(fallback: WindowName): z.ZodType<WindowName, string | undefined> {
  return wordParameter("window", WINDOW_NAMES, fallback);
}

const TIME = 'a time such as "2026-01-31T12:00:00Z" or "2026-01-31", epoch seconds or milliseconds';

/** The forms of a time. Leap days and the greatest numbers are described in words only. */
const TIME_PATTERN = "^([0-9]{1,15}(\\.[0-9]{1,6})?|" +
  "(19[7-9][0-9]|[2-9][0-9]{3})-" +
  "((0[1-9]|1[0-2])-(0[1-9]|[12][0-9])|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)" +
  "([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?" +
  "([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9]))?)$";

/** A time; once parsed, in milliseconds since 1970. */
export function timeParameter(
  name: string,
  { description, example }: { readonly description: string; readonly example: string },
): z.ZodType<number | undefined, string | undefined> {
  const forms = new RegExp(TIME_PATTERN);
  return z.string({ error: TIME }).transform((given, context) => {
    // The unencoded plus of a zone has become a space.
    const text = given.replace(/ (\d{2}:?\d{2})$/, "+$1");
    const time = forms.test(text) ? readTime(text) : undefined;
    if (time !== undefined) return time;
    context.addIssue({ code: "custom", message: TIME });
    return z.NEVER;
  }).optional().openapi({
    param: { name, in: "query", required: false, example },
    type: "string",
    pattern: TIME_PATTERN,
    description: `${description}: ${TIME}; of the calendar, from 1970 to 9999 (UTC).`,
  });
}

/** Reads a time of a query; a date alone is the start of that day. */
export function readTime(text: string): number | undefined {
  return parseTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
}

const OFFSETS = 'JSON without spaces of offsets by topic, such as {"reddit.posts":[12,null,7]}: ' +
  "of each topic at most one list, with an offset or null for each partition";

/** Offsets have up to 15 digits, so that each is a number of JSON without loss. */
const OFFSETS_PATTERN = (() => {
  const offset = "(null|0|[1-9][0-9]{0,14})";
  const topics = TOPICS.map((topic) => topic.replace(".", "\\.")).join("|");
  const list = `"(${topics})":\\[${offset}(,${offset})*\\]`;
  return `^\\{(${list}(,${list}){0,${TOPICS.length - 1}})?\\}$`;
})();

/** Offsets that the answer is wanted to include all records before. */
export function offsetsParameter(
  name: string,
  { description, example }: { readonly description: string; readonly example: string },
): z.ZodType<LeastOffsets | undefined, string | undefined> {
  const form = new RegExp(OFFSETS_PATTERN);
  return z.string({ error: OFFSETS }).transform((text, context): LeastOffsets => {
    if (form.test(text)) {
      const offsets = JSON.parse(text) as Partial<Record<Topic, (number | null)[]>>;
      // A topic that is given twice would count once.
      if (Object.keys(offsets).length === text.split(":").length - 1) return offsets;
    }
    context.addIssue({ code: "custom", message: OFFSETS });
    return z.NEVER;
  }).optional().openapi({
    param: { name, in: "query", required: false, example },
    type: "string",
    pattern: OFFSETS_PATTERN,
    description: `${description}: ${OFFSETS}.`,
  });
}

/** A name or identifier in the path. */
export function nameParameter(name: string, example: string): z.ZodString {
  const error = `text of 1 to ${MAX_ID_LENGTH} characters`;
  return z.string({ error })
    // Counts code points, like JSON Schema, not UTF-16 units.
    .refine((text) => text !== "" && [...text].length <= MAX_ID_LENGTH, { error })
    .openapi({
      param: { name, in: "path", required: true, example },
      minLength: 1,
      maxLength: MAX_ID_LENGTH,
      // Clients resolve dot segments of a path, so these never get here.
      pattern: "^(?!\\.\\.?$)",
    });
}
