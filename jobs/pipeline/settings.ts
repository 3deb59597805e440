/**
 * The jobs' settings where they run together: their own defaults, besides what a single process bears.
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
  /** Of ingest. */
  readonly ingest: IngestSettings;
  /** Of speed. */
  readonly speed: SpeedSettings;
  /** Of batch. */
  readonly batch: BatchSettings;
  /** Milliseconds between two looks at what the API shows. */
  readonly probeInterval: number;
}

/** The topics and their partitions. */
export const topics: readonly TopicSpec[] = topicSpecs(ingest.config.parse({}));

/** A run that is alone breaks what lock it finds: it waits for none. */
const BATCH = { catchUpTimeout: "2m", lockLease: "1m", lockWait: "0s" };

/** On embedded parts, which take small writes well: what is folded is visible within a blink. */
export const EMBEDDED: Settings = {
  // A commit every other second a partition, or when there is much.
  ingest: ingest.config.parse({ flush: { age: "2s" } }),
  speed: speed.config.parse({ flushInterval: "75ms", pollInterval: "200ms" }),
  batch: batch.config.parse({ ...BATCH, pollInterval: "50ms" }),
  probeInterval: 25,
};

/** On real servers, where each write is a request: fewer and larger ones. */
export const SERVERS: Settings = {
  ingest: ingest.config.parse({}),
  speed: speed.config.parse({ pollInterval: "500ms" }),
  batch: batch.config.parse({ ...BATCH, pollInterval: "200ms" }),
  // Each look is a search.
  probeInterval: 100,
};
