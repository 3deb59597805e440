/**
 * The whole pipeline as metrics: what serving reads of generations, offsets and counts, and what
 * came of the runs of batch, which are gone before anybody could ask them.
 *
 * @module
 */

import { type ServingStore, type Topic, TOPICS, WINDOWS, windowStart } from "@pipeline/core";
import { type Outcomes, readOutcomes } from "@pipeline/protocol";
import type { Clock, GaugeMetric, LabelArguments, Labels, Metrics } from "@pipeline/runtime";
import { shareAnswer } from "./share.ts";
import type { Summarizer, Summary } from "./summary.ts";

/** What the metrics are read from. */
export interface PipelineMetricsOptions {
  /** Gets the gauges. */
  readonly metrics: Metrics;
  /** Says how the pipeline is. */
  readonly summarizer: Pick<Summarizer, "make">;
  /** Keeps what came of runs. */
  readonly store: ServingStore;
  /** Tells ages. */
  readonly clock: Pick<Clock, "now" | "monotonic" | "sleep">;
}

/** Milliseconds that what was read is used for. */
const MAX_AGE = 5_000;

/** Milliseconds to wait for the store. */
const TIMEOUT = 4_000;

/** Subreddits that are named at a time. */
const SUBREDDITS = 10;

const PARTITIONS = { topic: TOPICS, partition: 1_000 } as const;

interface Figures {
  readonly summary: Summary;
  readonly outcomes: Outcomes;
}

/** Adds the gauges. They are read when they are asked for, and left out where that fails. */
export function watchPipeline(options: PipelineMetricsOptions): void {
  const { metrics, summarizer, store, clock } = options;
  const read = shareAnswer(async (): Promise<Figures> => {
    const [{ event, data }, outcomes] = await Promise.all([
      summarizer.make(),
      readOutcomes(store),
    ]);
    if (event !== "summary") throw new Error("There is nothing to summarize");
    return { summary: data as Summary, outcomes };
  }, { clock, maxAge: MAX_AGE, timeout: TIMEOUT, what: "The store" });

  const gauge = <const L extends Labels = Record<never, never>>(
    name: string,
    help: string,
    fill: (figures: Figures, set: Setter<L>) => void,
    labels?: L,
  ) =>
    metrics.gauge<L>(name, {
      help,
      ...(labels === undefined ? {} : { labels }),
      collect: async (metric: GaugeMetric<L>) => {
        metric.clear();
        const figures = await read().catch(() => undefined);
        if (figures === undefined) return;
        fill(figures, (value, ...given) => {
          if (value !== undefined) metric.set(value, ...given);
        });
      },
    });

  metrics.gauge("lambda_readable", {
    help: "1 where what serving says of the pipeline could be read, else 0.",
    collect: async (metric) => metric.set(await read().then(() => 1, () => 0)),
  });
  gauge(
    "lambda_generation",
    "The generation that serves.",
    ({ summary }, set) => set(summary.provenance.generation),
  );
  gauge(
    "lambda_generation_timestamp_seconds",
    "When it began to serve, seconds since 1970.",
    ({ summary }, set) => set(seconds(summary.since)),
  );
  gauge(
    "lambda_horizon_timestamp_seconds",
    "When batch read the commits that the generation is built of, seconds since 1970.",
    ({ summary }, set) => set(seconds(summary.planned)),
  );
  gauge(
    "lambda_horizon_offset",
    "The first offset that batch has not seen.",
    ({ summary }, set) => setOffsets(summary.provenance.horizon, set),
    PARTITIONS,
  );
  gauge(
    "lambda_folded_offset",
    "The first offset that speed has not written.",
    ({ summary }, set) => setOffsets(summary.provenance.folded, set),
    PARTITIONS,
  );
  gauge(
    "lambda_end_offset",
    "The end of the log.",
    ({ summary }, set) => summary.ends && setOffsets(summary.ends, set),
    PARTITIONS,
  );
  gauge(
    "lambda_batch_records",
    "Records that the generation was built of.",
    ({ summary }, set) => set(summary.layers.batch.records),
  );
  gauge(
    "lambda_speed_records",
    "Records that speed folded since the horizon.",
    ({ summary }, set) => set(summary.layers.speed.records),
  );
  gauge(
    "lambda_unresolved_comments",
    "Comments whose subreddit is not known.",
    ({ summary: { layers } }, set) => {
      set(layers.batch.unresolved, { layer: "batch" });
      set(layers.speed.unresolved, { layer: "speed" });
    },
    { layer: ["batch", "speed"] },
  );
  gauge(
    "lambda_duplicate_records",
    "Announcements since the horizon of what was announced already.",
    ({ summary }, set) => set(summary.layers.speed.duplicates),
  );
  gauge(
    "lambda_late_records",
    "Announcements since the horizon that are older than what is kept.",
    ({ summary }, set) => set(summary.layers.speed.retired),
  );
  gauge(
    "lambda_dead_letters",
    "Records since the horizon that could not be used.",
    ({ summary }, set) => set(summary.layers.speed.dead_letters),
  );
  gauge(
    "batch_run_timestamp_seconds",
    "When the last run ended, by what came of it, seconds since 1970.",
    ({ outcomes: { succeeded, failed } }, set) => {
      if (succeeded !== undefined) set(succeeded.at / 1000, { result: "succeeded" });
      if (failed !== undefined) set(failed.at / 1000, { result: "failed" });
    },
    { result: ["succeeded", "failed"] },
  );
  gauge(
    "batch_run_duration_seconds",
    "What the last generation took.",
    ({ outcomes: { succeeded } }, set) => {
      for (const step of STEPS) set(ms(succeeded?.took[step]), { step });
    },
    { step: STEPS },
  );
  gauge(
    "batch_verify_timestamp_seconds",
    "When verify ended last, seconds since 1970.",
    ({ outcomes }, set) => set(ms(outcomes.verified?.at)),
  );
  gauge(
    "batch_verify_differences",
    "What verify found that is not as it must be.",
    ({ outcomes }, set) => set(outcomes.verified?.differences),
  );
  gauge(
    "batch_verify_ledger_differences",
    "Of these, the ones against the ledger of acknowledged records.",
    ({ outcomes }, set) => set(outcomes.verified?.ledger_differences),
  );
  for (const [what, help] of LAST_MINUTE) {
    gauge(
      `reddit_${what}`,
      `${help} in the last whole minute.`,
      ({ summary }, set) => set(lastMinute(summary, clock)?.[what] ?? 0),
    );
  }
  gauge(
    "reddit_subreddit_records",
    "Posts and comments of the latest hour in each of the busiest subreddits.",
    ({ summary }, set) => {
      for (const { subreddit, posts, comments } of summary.top.items) {
        set(posts + comments, { subreddit });
      }
    },
    { subreddit: SUBREDDITS },
  );
}

type Setter<L extends Labels> = (value: number | undefined, ...labels: LabelArguments<L>) => void;

const STEPS = ["fold", "publish", "switch"] as const;

const LAST_MINUTE = [
  ["posts", "Posts announced"],
  ["comments", "Comments announced"],
  ["active_users", "Distinct authors"],
] as const;

function setOffsets(
  offsets: Readonly<Record<Topic, readonly (number | null)[]>>,
  set: Setter<typeof PARTITIONS>,
): void {
  for (const topic of TOPICS) {
    for (const [partition, offset] of offsets[topic].entries()) {
      set(offset ?? undefined, { topic, partition: String(partition) });
    }
  }
}

function lastMinute({ minutes }: Summary, clock: Pick<Clock, "now">) {
  const minute = windowStart(clock.now(), WINDOWS["1m"]) - WINDOWS["1m"];
  return minutes.find(({ window_start }) => Date.parse(window_start) === minute);
}

function seconds(time: string | null): number | undefined {
  return time === null ? undefined : Date.parse(time) / 1000;
}

function ms(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 1000;
}
