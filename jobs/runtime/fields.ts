/**
 * Building blocks of a job's configuration schema. The error of each names the allowed values, and
 * each has a JSON Schema of its input (`io: "input"`), so that the job and `values.schema.json`
 * refuse the same values.
 *
 * Set defaults with `.prefault(...)`: they are then written as users write them.
 *
 * @module
 */

import { z } from "zod";

/** Inclusive limits. */
export interface Limits {
  /** Least value. */
  readonly min?: number;
  /** Greatest value. */
  readonly max?: number;
}

/** An integer; between 0 and 2^53 - 1 without limits. */
export function integer(limits: Limits = {}): z.ZodInt {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits;
  const error = max === Number.MAX_SAFE_INTEGER
    ? `an integer of at least ${min}`
    : `an integer between ${min} and ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A TCP port, 1 to 65535. */
export function port(): z.ZodInt {
  return integer({ min: 1, max: 65_535 });
}

/** Text with at least one character that is not white space. */
export function text(): z.ZodString {
  const error = "text that is not empty";
  return z.string({ error }).regex(/\S/, { error });
}

/** A quantity with a unit as users write it; once parsed, a number in the program's unit. */
export type QuantityField = z.ZodType<number, number | string>;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;

/**
 * Reads `45s`, `1.5h`, `250ms`, or a plain number of milliseconds.
 *
 * @returns milliseconds, or `undefined` if the text has none of these forms.
 */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(DURATION, DURATION_UNITS, "ms", text);
}

/** A duration such as `45s` or `5m`, or a number of milliseconds. Limits in milliseconds. */
export function duration(limits: Limits = {}): QuantityField {
  const error = quantityError('a duration such as "45s", "5m" or a number of milliseconds', limits);
  return quantity(DURATION, (value) => parseDuration(value), limits, error);
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};
const SIZE = /^(\d+(?:\.\d+)?)(B|kB|KB|MB|GB|Ki|Mi|Gi|KiB|MiB|GiB)?$/;

/**
 * Reads `64MiB`, `64Mi`, `10MB`, or a plain number of bytes.
 *
 * @returns bytes, or `undefined` if the text has none of these forms.
 */
export function parseByteSize(text: string): number | undefined {
  return parseQuantity(SIZE, SIZE_UNITS, "B", text);
}

/** A size such as `64MiB` or `10MB`, or a number of bytes. Limits in bytes. */
export function byteSize(limits: Limits = {}): QuantityField {
  const error = quantityError('a size such as "64MiB", "10MB" or a number of bytes', limits);
  return quantity(SIZE, (value) => parseByteSize(value), limits, error);
}

function parseQuantity(
  form: RegExp,
  units: Readonly<Record<string, number>>,
  plain: string,
  text: string,
): number | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const value = Math.round(Number(match[1]) * units[match[2] ?? plain]!);
  return Number.isSafeInteger(value) ? value : undefined;
}

function quantityError(what: string, { min, max }: Limits): string {
  const bounds = [
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ];
  return bounds.length === 0 ? what : `${what}, ${bounds.join(" and ")}`;
}

function quantity(
  form: RegExp,
  parse: (text: string) => number | undefined,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Limits,
  error: string,
): QuantityField {
  return z.union([z.int({ error }).min(0, { error }), z.string().regex(form, { error })], { error })
    .transform((value) => typeof value === "number" ? value : parse(value) ?? NaN)
    .pipe(z.number({ error }).min(min, { error }).max(max, { error }));
}
