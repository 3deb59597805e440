/**
 * The whole pipeline as metrics: generations, offsets and counts that serving reads, and the
 * outcomes of batch runs, whose processes end before they could be scraped.
 *
 * @module
 */

import { type Topic, TOPICS, WINDOWS, windowStart } from "@pipeline/core";
import { PARTITION_LABELS } from "@pipeline/protocol";
import type { Clock, GaugeMetric, LabelArguments, Labels, Metrics } from "@pipeline/runtime";
import { shareAnswer } from "./share.ts";
import type { Summarizer, Summary } from "./summary.ts";

/** The sources of the metrics. */
export interface PipelineMetricsOptions {
  /** Receives the gauges. */
  readonly metrics: Metrics;
  /** Summarises the pipeline. */
  readonly summarizer: Pick<Summarizer, "make">;
  /** Measures ages. */
  readonly clock: Pick<Clock, "now" | "monotonic" | "sleep">;
}

/** Milliseconds for which a summary is reused. */
const MAX_AGE = 5_000;

/** Milliseconds to wait for the store. */
const TIMEOUT = 4_000;

/** Number of subreddits that are shown at a time. */
const SUBREDDITS = 10;

/** Adds the gauges. They are read on every scrape, and left out if that fails. */
export function watchPipeline(options: PipelineMetricsOptions): void {
  const { metrics, summarizer, clock } = options;
  const read = shareAnswer(async (): Promise<Summary> => {
    const { event, data } = await summarizer.make();
    if (event !== "summary") throw new Error("There is nothing to summarize");
    return data as Summary;
  }, { clock, maxAge: MAX_AGE, timeout: TIMEOUT, what: "The store" });

  const gauge = <const L extends Labels = Record<never, never>>(
    name: string,
    help: string,
    fill: (summary: Summary, set: Setter<L>) => void,
    labels?: L,
  ) =>
    metrics.gauge<L>(name, {
      help,
      ...(labels === undefined ? {} : { labels }),
      collect: async (metric: GaugeMetric<L>) => {
        metric.clear();
        const summary = await read().catch(() => undefined);
        if (summary === undefined) return;
        fill(summary, (value, ...given) => {
          if (value !== undefined) metric.set(value, ...given);
        });
      },
    });

  metrics.gauge("lambda_readable", {
    help: "1 if the state of the pipeline could be read, else 0.",
    collect: async (metric) => metric.set(await read().then(() => 1, () => 0)),
  });
  for (const [name, help, of] of FIGURES) {
    gauge(name, help, (summary, set) => set(of(summary)));
  }
  for (const [what, help] of LAST_MINUTE) {
    gauge(
      `reddit_${what}`,
      `${help} in the last whole minute.`,
      (summary, set) => set(lastMinute(summary, clock)?.[what] ?? 0),
    );
  }
  for (const [name, help, of] of OFFSETS) {
    gauge(name, help, (summary, set) => setOffsets(of(summary), set), PARTITION_LABELS);
  }
  gauge(
    "lambda_unresolved_comments",
    "Comments whose subreddit is not known.",
    ({ layers }, set) => {
      for (const layer of LAYERS) set(layers[layer].unresolved, { layer });
    },
    { layer: LAYERS },
  );
  gauge(
    "batch_run_timestamp_seconds",
    "When the last run ended, by outcome, seconds since 1970.",
    ({ outcomes }, set) => {
      for (const result of RESULTS) set(moment(outcomes[result]?.at), { result });
    },
    { result: RESULTS },
  );
  gauge(
    "batch_run_duration_seconds",
    "Durations of the steps of the last generation.",
    ({ outcomes: { succeeded } }, set) => {
      for (const step of STEPS) set(seconds(succeeded?.took[step]), { step });
    },
    { step: STEPS },
  );
  gauge(
    "reddit_subreddit_records",
    "Posts and comments of the latest hour in each of the busiest subreddits.",
    ({ top }, set) => {
      for (const { subreddit, posts, comments } of top.items) {
        set(posts + comments, { subreddit });
      }
    },
    { subreddit: SUBREDDITS },
  );
}

/** Gauges without labels; a missing figure omits the gauge. */
const FIGURES: readonly (readonly [
  name: string,
  help: string,
  of: (summary: Summary) => number | undefined,
])[] = [
  [
    "lambda_generation",
    "The served generation.",
    ({ provenance }) => provenance.generation,
  ],
  [
    "lambda_generation_timestamp_seconds",
    "When it began to be served, seconds since 1970.",
    ({ since }) => moment(since),
  ],
  [
    "lambda_horizon_timestamp_seconds",
    "When batch read the commits that the generation is built from, seconds since 1970.",
    ({ planned }) => moment(planned),
  ],
  [
    "lambda_batch_records",
    "Records that the generation was built from.",
    ({ layers }) => layers.batch.records,
  ],
  [
    "lambda_speed_records",
    "Records that speed folded since the horizon.",
    ({ layers }) => layers.speed.records,
  ],
  [
    "lambda_duplicate_records",
    "Duplicate announcements since the horizon.",
    ({ layers }) => layers.speed.duplicates,
  ],
  [
    "lambda_late_records",
    "Announcements since the horizon from before the start of retention.",
    ({ layers }) => layers.speed.retired,
  ],
  [
    "lambda_dead_letters",
    "Records since the horizon that could not be used.",
    ({ layers }) => layers.speed.dead_letters,
  ],
  [
    "batch_verify_timestamp_seconds",
    "When verify ended last, seconds since 1970.",
    ({ outcomes }) => moment(outcomes.verified?.at),
  ],
  [
    "batch_verify_differences",
    "Differences that the last verify found.",
    ({ outcomes }) => outcomes.verified?.differences,
  ],
  [
    "batch_verify_ledger_differences",
    "Differences that the last verify with a ledger of acknowledged records found.",
    ({ outcomes }) => outcomes.compared?.differences,
  ],
];

/** Gauges with one offset per partition. */
const OFFSETS: readonly (readonly [
  name: string,
  help: string,
  of: (summary: Summary) => Offsets | null | undefined,
])[] = [
  [
    "lambda_horizon_offset",
    "The first offset that batch has not folded.",
    ({ provenance }) => provenance.horizon,
  ],
  [
    "lambda_folded_offset",
    "The first offset that answers do not include.",
    ({ provenance }) => provenance.folded,
  ],
  ["lambda_end_offset", "The end of the log.", ({ ends }) => ends],
];

type Offsets = Readonly<Record<Topic, readonly (number | null)[]>>;

type Setter<L extends Labels> = (value: number | undefined, ...labels: LabelArguments<L>) => void;

const LAYERS = ["batch", "speed"] as const;
const RESULTS = ["succeeded", "failed"] as const;
const STEPS = ["fold", "publish", "switch"] as const;

const LAST_MINUTE = [
  ["posts", "Posts announced"],
  ["comments", "Comments announced"],
  ["active_users", "Distinct authors"],
] as const;

function setOffsets(
  offsets: Offsets | null | undefined,
  set: Setter<typeof PARTITION_LABELS>,
): void {
  if (!offsets) return;
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

/** Converts a time to seconds since 1970. */
function moment(time: string | null | undefined): number | undefined {
  return time ? Date.parse(time) / 1000 : undefined;
}

/** Converts milliseconds to seconds. */
function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
