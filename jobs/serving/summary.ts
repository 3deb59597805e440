/**
 * The events of the page: one summary of the pipeline a second, shared by all clients.
 *
 * @module
 */

import { formatTime, type ServingStore, WINDOWS, windowStart } from "@pipeline/core";
import { type Outcomes, readLatency, readOutcomes } from "@pipeline/protocol";
import type { Clock, Logger } from "@pipeline/runtime";
import { toProblem } from "./api/problems.ts";
import { type MinuteTotal, MinuteTotals } from "./minutes.ts";
import { speedCounts } from "./queries/status.ts";
import { listSubreddits, type SubredditItem } from "./queries/subreddits.ts";
import { latestOf } from "./queries/windows.ts";
import type { Provenance } from "./reading/provenance.ts";
import { Latest } from "./reading/latest.ts";
import { type Reading, withReading } from "./reading/reading.ts";
import type { Source } from "./reading/source.ts";
import type { StreamEvent } from "./stream.ts";
import { type Rates, Throughput } from "./throughput.ts";

/**
 * How long records take to become visible, in milliseconds: of each batch that speed folds, the time
 * from the append of its oldest record until it could be asked about.
 */
export interface Latency {
  /** The median. */
  readonly p50: number;
  /** The 99th percentile. */
  readonly p99: number;
}

/** Outcomes of batch runs, with formatted times. */
export type DatedOutcomes = {
  readonly [K in keyof Outcomes]: Omit<NonNullable<Outcomes[K]>, "at"> & { readonly at: string };
};

/** The data of a `summary` event. Times are ISO 8601. */
export interface Summary {
  /** When the summary was made. */
  readonly time: string;
  /** The generation's state. */
  readonly state: string;
  /** When batch read the commits that the generation is built from; `null` if unknown. */
  readonly planned: string | null;
  /** When the generation's state was last written, such as at its switch. */
  readonly since: string;
  /** The provenance of the figures. */
  readonly provenance: Provenance;
  /** The end of the log, if known. */
  readonly ends: Reading["ends"] | null;
  /** What each layer has folded. */
  readonly layers: {
    readonly batch: { readonly records: number; readonly unresolved: number };
    readonly speed: ReturnType<typeof speedCounts>;
  };
  /** The last hour up to the latest minute, ascending, without empty minutes. */
  readonly minutes:
    readonly (Omit<MinuteTotal, "window_start"> & { readonly window_start: string })[];
  /** The subreddits with most posts in the hour of the latest minute. */
  readonly top: { readonly window_start: string | null; readonly items: readonly SubredditItem[] };
  /**
   * The outcomes of the last runs of batch and of verify, at most five seconds old while the store
   * answers.
   */
  readonly outcomes: DatedOutcomes;
  /** Records a second; `null` if unknown. */
  readonly rates: Rates;
  /** How long records take to become visible; `null` without recent measurements. */
  readonly latency_ms: Latency | null;
}

/** Options of {@linkcode Summarizer}. */
export interface SummarizerOptions {
  /** Where the views are read. */
  readonly source: Source;
  /** Determines the current minute. */
  readonly clock: Clock;
  /** Logs failures. */
  readonly log?: Logger;
}

/** Subreddits in the summary. */
const TOP = 10;

/** Milliseconds for which expensive or rarely changing data is reused. */
const INTERVAL = 5_000;

interface Kept<T> {
  readonly made: number;
  readonly value: T;
}

/** Reports of other jobs. */
interface Told {
  readonly outcomes: DatedOutcomes;
  readonly latency?: Latency;
}

/** Makes summaries, and caches what would be expensive to read every second. */
export class Summarizer {
  readonly #options: SummarizerOptions;
  readonly #throughput: Throughput;
  #minutes: MinuteTotals | undefined;
  #top: Kept<Summary["top"]> | undefined;
  readonly #told: Latest<Told>;

  /** Creates a summariser with an empty cache. */
  constructor(options: SummarizerOptions) {
    this.#options = options;
    this.#throughput = new Throughput(options.clock);
    const { source: { store }, clock } = options;
    const read = () => readTold(store, clock.now());
    this.#told = new Latest<Told>({ read, maxAge: INTERVAL, clock, initial: { outcomes: {} } });
  }

  /** The next event: a `summary`, or a `problem` if it cannot be made. Never rejects. */
  async make(): Promise<StreamEvent> {
    const { source, log } = this.#options;
    try {
      return {
        event: "summary",
        data: await withReading(source, (reading) => this.#read(reading)),
      };
    } catch (error) {
      const { status, message } = toProblem(error, log);
      return { event: "problem", data: { status, detail: message } };
    }
  }

  async #read(reading: Reading): Promise<Summary> {
    const { clock } = this.#options;
    const { generation, state, records, unresolved, planned, updated } = reading.manifest;
    if (this.#minutes?.generation !== generation) {
      this.#minutes = new MinuteTotals(generation);
      this.#top = undefined;
    }
    const anchor = await this.#anchor(reading);
    const minutes = anchor === undefined ? [] : await this.#minutes.read(reading, anchor);
    const top = await this.#topSubreddits(reading, anchor);
    const { outcomes, latency } = await this.#told.get();
    const ingested = await this.#options.source.ingested?.().catch(() => undefined);
    const provenance = reading.provenance();
    return {
      time: formatTime(clock.now()),
      state,
      planned: planned === undefined ? null : formatTime(planned),
      since: formatTime(updated),
      provenance,
      ends: reading.ends ?? null,
      layers: { batch: { records, unresolved }, speed: speedCounts(reading) },
      minutes: minutes.map((m) => ({ ...m, window_start: formatTime(m.window_start) })),
      top,
      outcomes,
      rates: this.#throughput.rates({ provenance, ends: reading.ends, ingested }),
      latency_ms: latency ?? null,
    };
  }

  /** The latest minute with any announcement, preferring those that are not in the future. */
  async #anchor(reading: Reading): Promise<number | undefined> {
    const { clock } = this.#options;
    const view = "subreddit_activity";
    const any = { type: "activity", window: "1m", order: "latest", limit: 1 } as const;
    const past = { ...any, to: windowStart(clock.now(), WINDOWS["1m"]) + WINDOWS["1m"] };
    const round = await reading.live({ past: { view, query: past }, any: { view, query: any } });
    reading.include(round);
    const latest = async (query: typeof any, question: string) =>
      latestOf([
        ...await reading.batch.search(view, query),
        ...round.documents<"activity">(question),
      ]);
    return await latest(past, "past") ?? await latest(any, "any");
  }

  async #topSubreddits(reading: Reading, anchor: number | undefined): Promise<Summary["top"]> {
    if (this.#isFresh(this.#top)) return this.#top.value;
    const at = anchor === undefined ? {} : { at: anchor };
    const request = { window: "1h", sort: "posts", limit: TOP, ...at } as const;
    const { window_start: start, items } = await listSubreddits(reading, request);
    const value = { window_start: start === null ? null : formatTime(start), items };
    this.#top = { made: this.#options.clock.monotonic(), value };
    return value;
  }

  #isFresh<T>(kept: Kept<T> | undefined): kept is Kept<T> {
    return kept !== undefined && this.#options.clock.monotonic() - kept.made < INTERVAL;
  }
}

/** Reads the reports of other jobs. */
async function readTold(store: ServingStore, now: number): Promise<Told> {
  const [outcomes, latency] = await Promise.all([readOutcomes(store), readLatency(store, now)]);
  const dated = Object.entries(outcomes)
    .map(([kind, outcome]) => [kind, { ...outcome, at: formatTime(outcome.at) }]);
  return {
    outcomes: Object.fromEntries(dated),
    ...(latency === undefined ? {} : { latency }),
  };
}
