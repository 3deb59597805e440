/**
 * The generator's configuration, in one schema, which checks the job's input and defines its part
 * of the chart's values.
 *
 * @module
 */

import { type Place, placeFields } from "@pipeline/adapters/config";
import { DAY, parseTime, PipelineError, WINDOWS } from "@pipeline/core";
import { duration, integer, type JobConfig, jobFields, text } from "@pipeline/runtime";
import { z } from "zod";
import type { DisorderOptions } from "./disorder.ts";
import type { HistoryOptions } from "./historical.ts";
import type { Registration } from "./model/mod.ts";
import type { RealtimeOptions } from "./realtime.ts";
import { parseRate, RATE_FORMS } from "./schedule.ts";

/** Least and greatest seed: the integers that a double holds exactly. */
const SEED = { min: 0, max: Number.MAX_SAFE_INTEGER };

function percent(): z.ZodType<number, number | undefined> {
  const error = "a percentage between 0 and 100";
  return z.number({ error }).min(0, { error }).max(100, { error }).default(0);
}

function rate(): z.ZodType<string | number> {
  const error = `a rate in messages a second such as ${RATE_FORMS}`;
  return z.union([z.number({ error }).min(0, { error }), z.string({ error })], { error })
    .refine((value) => isRate(value), { error });
}

function time(): z.ZodType<number, string> {
  const error = 'a time such as "2026-01-31T12:00:00Z"';
  return z.string({ error }).refine((value) => parseTime(value) !== undefined, { error })
    .transform((value) => parseTime(value)!);
}

const disorder: z.ZodType<Required<DisorderOptions>> = z.strictObject({
  late: percent().describe("Records sent later than they were due, in percent"),
  lateBy: duration({ min: 1 }).prefault("1m").describe("Longest delay of late records"),
  duplicates: percent().describe("Records sent twice, in percent"),
  duplicateBy: duration({ min: 1 }).prefault("10s").describe("Longest delay of the second copy"),
  poison: percent().describe("Unusable records sent in addition, in percent"),
  skew: percent().describe("Records of producers with wrong clocks, in percent"),
  skewBy: duration({ min: 1, max: DAY / 2 }).prefault("1h").describe(
    "Largest error of their clocks",
  ),
  future: percent().describe("Records from the far future sent in addition, in percent"),
  futureBy: duration({ min: DAY + WINDOWS["1h"] }).prefault("7d").describe(
    "How far ahead they are",
  ),
}).refine((d) => d.late + d.duplicates + d.poison + d.skew + d.future <= 100, {
  error: "at most 100 percent in all",
});

/** The servers that the job needs. */
export const NEEDS = ["kafka", "hdfs"] as const;

/** The checked configuration, with defaults filled in. Times in milliseconds. */
export interface GeneratorConfig extends JobConfig, Place<(typeof NEEDS)[number]> {
  /** Equal seeds give equal records. */
  readonly seed: number;
  /** Number of subreddits. */
  readonly subreddits: number;
  /** Number of users who are active from the start. */
  readonly users: number;
  /** Per mille of the comments. */
  readonly unknownSubreddit: number;
  /** Amount of history; see `HistoryOptions`. */
  readonly historical: {
    readonly days: number;
    readonly scale: number;
    /** Milliseconds since 1970; the time of the first run by default. */
    readonly end?: number | undefined;
  };
  /** Live traffic. */
  readonly realtime: {
    /** Records a second, in one of the forms of `parseRate`. */
    readonly rate: string | number;
    readonly duration?: number | undefined;
    readonly linger: number;
    /** Number of the run, part of all new ids; its start time by default. */
    readonly run?: number | undefined;
    readonly disorder?: Required<DisorderOptions> | undefined;
  };
  /** Archives: their files, their use, and archive time per real time. */
  readonly archive: {
    readonly files: readonly string[];
    readonly target: "history" | "log";
    readonly speed: number;
  };
  /** File that receives the acknowledged records. */
  readonly ledger?: string | undefined;
  /** File that receives the injected disorder. */
  readonly manifest?: string | undefined;
}

/** Configuration of the generator in all its modes. */
export const generatorConfig: z.ZodType<GeneratorConfig> = z.strictObject({
  ...jobFields,
  seed: integer(SEED).default(1).describe("Equal seeds give equal records"),
  subreddits: integer({ min: 1, max: 100_000 }).default(200).describe("Number of subreddits"),
  users: integer({ min: 1, max: 10_000_000 }).default(5_000).describe("Number of users"),
  unknownSubreddit: integer({ max: 1_000 }).default(0)
    .describe("Comments that leave out their subreddit, per mille"),
  historical: z.strictObject({
    days: z.number().gt(0).max(3_660).default(7).describe("Days of history"),
    scale: z.number().gt(0).max(10_000).default(1)
      .describe("Size: 1 is 50,000 records a day"),
    end: time().optional().describe(
      "End of the history, ISO 8601; live traffic then continues its users. Where it is not set, " +
        "the time of the first run, which the dataset keeps",
    ),
  }).prefault({}),
  realtime: z.strictObject({
    rate: rate().default(100).describe("Messages a second, also as a ramp or with bursts"),
    duration: duration({ min: 1 }).optional().describe("Duration; unlimited if not set"),
    run: integer().optional().describe(
      "Number of the run, part of all new ids; seconds since 1970 at its start if not set",
    ),
    linger: duration({ max: 1_000 }).prefault("5ms").describe(
      "How long to collect records before a send",
    ),
    disorder: disorder.optional().describe("Disorder to inject"),
  }).prefault({}),
  archive: z.strictObject({
    files: z.array(text()).default([]).describe("Files of submissions (RS_*) and comments (RC_*)"),
    target: z.enum(["history", "log"]).default("history")
      .describe("Load as history into the dataset, or replay onto the log"),
    speed: z.number().gt(0).default(3_600).describe("Archive time by real time, when replayed"),
  }).prefault({}),
  ledger: text().optional().describe("File that receives the acknowledged records"),
  manifest: text().optional().describe("File that receives the injected disorder"),
  ...placeFields(NEEDS),
});

/** A refinement: an archive to load or to replay must be set. */
export function checkArchiveFiles(
  { archive: { files } }: GeneratorConfig,
  context: z.RefinementCtx,
): void {
  if (files.length > 0) return;
  const message = "a list of at least one file";
  context.addIssue({ code: "custom", message, input: files, path: ["archive", "files"] });
}

/** Options of the history that ends at `end` (milliseconds since 1970). */
export function historyOptions(config: GeneratorConfig, end: number): HistoryOptions {
  const { seed, subreddits, users, unknownSubreddit, historical: { days, scale } } = config;
  return { seed, subreddits, users, unknownSubreddit, end, days, scale };
}

/** Parameters of a live run. */
export interface LiveRun {
  /** Number of the run; no two runs of one seed may have the same. */
  readonly run: number;
  /** Range of the history that the run follows, if there is one. */
  readonly registration?: Registration;
}

/** Options of a live run. */
export function realtimeOptions(config: GeneratorConfig, live: LiveRun): RealtimeOptions {
  const { seed, subreddits, users, unknownSubreddit } = config;
  const { rate, duration, disorder } = config.realtime;
  return {
    seed,
    subreddits,
    users,
    unknownSubreddit,
    rate: parseRate(rate),
    ...live,
    ...(duration === undefined ? {} : { duration }),
    ...(disorder === undefined ? {} : { disorder }),
  };
}

function isRate(value: string | number): boolean {
  try {
    return parseRate(value) !== undefined;
  } catch (error) {
    if (error instanceof PipelineError) return false;
    throw error;
  }
}
