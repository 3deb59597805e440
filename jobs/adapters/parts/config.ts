/**
 * Configuration of the client of speed's folds. Loads no client.
 *
 * @module
 */

import { duration, integer, type QuantityField } from "@pipeline/runtime";
import { z } from "zod";

/** How the folds of speed are reached. Times in milliseconds. */
export interface PartsConfig {
  /** URLs of the port at which speed answers; each may stand for several processes. */
  readonly urls: readonly string[];
  /** Longest time to wait for the answer of one process. */
  readonly timeout: number;
  /** Shortest time between two look-ups of a host's addresses, as long as they answer. */
  readonly resolveInterval: number;
  /** Most processes that are asked. */
  readonly maxSources: number;
}

/** Accepted input for a {@linkcode PartsConfig}. */
export type PartsInput = Partial<Record<keyof PartsConfig, unknown>>;

const URL_FORM = 'a URL such as "http://speed:30081", without user, path or query';

const url = z.string({ error: URL_FORM }).refine(isOrigin, { error: URL_FORM });

function isOrigin(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && url.protocol === "http:" && url.pathname === "/" && url.search === "" &&
    url.hash === "" && url.username === "" && url.password === "" && !/[?#]/.test(value);
}

/** A duration with a default, in the form that the schema below needs. */
function time(limits: { min: number; max?: number }, prefault: string): z.ZodType<number> {
  const field: QuantityField = duration(limits);
  return field.prefault(prefault);
}

/** What differs between the jobs that ask. */
export interface PartsDefaults {
  /** The URLs unless others are given. */
  readonly urls: readonly string[];
  /** What a job does without any URL, as a sentence. */
  readonly without: string;
  /** The time for an answer unless another is given, such as "150ms". */
  readonly timeout: string;
}

/** Schema of {@linkcode PartsConfig} with a job's own defaults. */
export function partsConfigWith(
  { urls, without, timeout }: PartsDefaults,
): z.ZodType<PartsConfig, PartsInput> {
  return z.strictObject({
    urls: z.array(url).prefault([...urls]).describe(
      "URLs of the port at which speed answers; every address that DNS has for a host is asked. " +
        without,
    ),
    timeout: time({ min: 10, max: 10_000 }, timeout)
      .describe(
        "Longest time to wait for the answer of a process of speed, which is then asked once more.",
      ),
    resolveInterval: time({ min: 100 }, "1s")
      .describe("Time between two look-ups of the hosts' addresses; less after a failure."),
    maxSources: integer({ min: 1, max: 1_000 }).prefault(64)
      .describe("Most processes of speed that are asked; further addresses are ignored."),
  });
}

/** Schema of {@linkcode PartsConfig}, with the defaults of serving. */
export const partsConfig: z.ZodType<PartsConfig, PartsInput> = partsConfigWith({
  urls: ["http://localhost:8090"],
  without: "Without any, answers come from the store alone.",
  timeout: "150ms",
});
