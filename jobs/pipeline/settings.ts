/**
 * The jobs' settings where they run together.
 *
 * @module
 */

import type { BatchSettings } from "@pipeline/batch";
import {
  DEAD_LETTER_TOPIC,
  DEFAULT_MAX_FUTURE,
  DEFAULT_PARTITIONS,
  DEFAULT_SETTINGS,
  TOPICS,
  type TopicSpec,
} from "@pipeline/core";
import type { IngestSettings } from "@pipeline/ingest";
import type { SpeedOptions } from "@pipeline/speed";

/** The topics and their partitions. */
export const topics: readonly TopicSpec[] = [
  ...TOPICS.map((topic) => ({ topic, partitions: DEFAULT_PARTITIONS })),
  { topic: DEAD_LETTER_TOPIC, partitions: 1 },
];

/** Settings of all jobs. */
export interface Settings {
  /** Of ingest. */
  readonly ingest: IngestSettings;
  /** Of speed. */
  readonly speed: SpeedOptions["settings"];
  /** Of batch. */
  readonly batch: BatchSettings;
  /** Milliseconds between two looks at what the API shows. */
  readonly probe_interval: number;
}

/** On embedded parts, which take small writes well: what is folded is visible within a blink. */
export const EMBEDDED: Settings = {
  // A commit every other second a partition, or when there is much.
  ingest: {
    flush_records: 50_000,
    flush_bytes: 32 << 20,
    flush_age: 2_000,
    max_future: DEFAULT_MAX_FUTURE,
  },
  speed: { flush_interval: 75, max_unflushed: 20_000, poll_interval: 200 },
  // Everything is kept, and a thousand posts a subreddit are published.
  batch: {
    views: DEFAULT_SETTINGS,
    partitions: DEFAULT_PARTITIONS,
    keep: 1_000,
    retention: { "1m": 0, "1h": 0, "1d": 0 },
    catch_up_timeout: 120_000,
    poll_interval: 50,
    lock_lease: 60_000,
  },
  probe_interval: 25,
};

/** On real servers, where each write is a request: fewer and larger ones. */
export const SERVERS: Settings = {
  ingest: { ...EMBEDDED.ingest, flush_age: 5_000 },
  speed: { flush_interval: 200, max_unflushed: 20_000, poll_interval: 500 },
  batch: { ...EMBEDDED.batch, poll_interval: 200 },
  // Each look is a search.
  probe_interval: 100,
};
