/**
 * Settings of the jobs in a single process: the jobs' own defaults, except where one process needs
 * others.
 *
 * @module
 */

import type { BatchSettings } from "@pipeline/batch";
import { batch } from "@pipeline/batch/job";
import type { TopicSpec } from "@pipeline/core";
import type { IngestSettings } from "@pipeline/ingest";
import { ingest, topicSpecs } from "@pipeline/ingest/job";
import type { SpeedSettings } from "@pipeline/speed";
import { speed } from "@pipeline/speed/job";

/** Settings of all jobs. */
export interface Settings {
  /** Settings of ingest. */
  readonly ingest: IngestSettings;
  /** Settings of speed. */
  readonly speed: SpeedSettings;
  /** Settings of batch. */
  readonly batch: BatchSettings;
  /** Milliseconds between two queries of the API. */
  readonly probeInterval: number;
}

/** The topics and their partitions. */
export const topics: readonly TopicSpec[] = topicSpecs(ingest.config.parse({}));

/** A run without competitors breaks any lock that it finds, and waits for none. */
const BATCH = { catchUpTimeout: "2m", lockLease: "1m", lockWait: "0s" };

/** For embedded ports, where small writes are cheap: folded records are visible almost at once. */
export const EMBEDDED: Settings = {
  // A commit per partition every other second, or when there are many records.
  ingest: ingest.config.parse({ flush: { age: "2s" } }),
  speed: speed.config.parse({ flushInterval: "75ms", pollInterval: "200ms" }),
  batch: batch.config.parse({ ...BATCH, pollInterval: "50ms" }),
  probeInterval: 25,
};

/** For real servers, where each write is a request: fewer and larger writes. */
export const SERVERS: Settings = {
  ingest: ingest.config.parse({}),
  speed: speed.config.parse({ pollInterval: "500ms" }),
  batch: batch.config.parse({ ...BATCH, pollInterval: "200ms" }),
  // Each query is a search.
  probeInterval: 100,
};
