/**
 * The metrics of the speed job.
 *
 * @module
 */

import { VIEWS } from "@pipeline/core";
import type { Clock, Metrics } from "@pipeline/runtime";
import type { FoldEvents, FoldReport } from "./events.ts";
import { PARTS_STATUSES } from "./parts_server.ts";
import type { Speed } from "./speed.ts";

/** A batch with a record that was not visible before. */
export type Visible = FoldReport & { readonly appended: number };

/** Counts what folds report. */
export function countEvents(
  metrics: Metrics,
  { onVisible }: {
    /** Returns the milliseconds since the record's append, if they count. */
    readonly onVisible: (visible: Visible) => number | undefined;
  },
): Required<Omit<FoldEvents, "onLoss">> {
  const records = metrics.counter("speed_records_total", {
    help: "Records folded, into each generation that is folded.",
  });
  const documents = metrics.counter("speed_documents_total", {
    help: "Documents written.",
    labels: { view: VIEWS },
  });
  const flushed = metrics.histogram("speed_flush_duration_seconds", {
    help: "Time from taking the changed keys until searches could find all of them.",
  });
  const latency = metrics.histogram("speed_visible_latency_seconds", {
    help: "Time from a record's append until the served generation could be asked about it, " +
      "for the oldest record of each batch.",
  });
  return {
    onFold: (folded) => {
      records.add(folded.records);
      const { appended } = folded;
      if (appended === undefined) return;
      const ms = onVisible({ ...folded, appended });
      if (ms !== undefined) latency.observe(ms / 1000);
    },
    onWrite: ({ view, documents: count }) => documents.add(count, { view }),
    onFlush: ({ took }) => flushed.observe(took / 1000),
  };
}

/** Measures the folds at every scrape. */
export function watchFolds(metrics: Metrics, speed: Speed): void {
  metrics.gauge("speed_keys", {
    help: "Keys in memory, in all generations, frozen partitions included.",
    collect: (gauge) => gauge.set(speed.keys),
  });
  metrics.gauge("speed_frozen_partitions", {
    help: "Partitions that are held in memory and not folded.",
    collect: (gauge) => gauge.set(speed.frozen),
  });
}

/** Measures the age of the copy at every scrape. */
export function watchCopy(metrics: Metrics, speed: Speed, clock: Pick<Clock, "now">): void {
  metrics.gauge("speed_copy_age_seconds", {
    help: "Age of the oldest folded record of the served generation that is not in the store yet.",
    collect: (gauge) => {
      const oldest = speed.served === undefined ? undefined : speed.folds.get(speed.served)?.oldest;
      gauge.set(oldest === undefined ? 0 : Math.max(0, clock.now() - oldest) / 1000);
    },
  });
}

/** Counts answers to questions. */
export function countAnswers(metrics: Metrics): (status: number, took: number) => void {
  const requests = metrics.counter("speed_parts_requests_total", {
    help: "Requests to the folds, by the status of the answer.",
    labels: { status: PARTS_STATUSES },
  });
  const duration = metrics.histogram("speed_parts_duration_seconds", {
    help: "Time from a request to the folds until its answer.",
  });
  return (status, took) => {
    requests.add(1, { status: String(status) as (typeof PARTS_STATUSES)[number] });
    duration.observe(took / 1000);
  };
}
