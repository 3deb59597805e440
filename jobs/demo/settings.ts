/**
 * How the jobs' settings differ from their own defaults where they run together in one process.
 *
 * @module
 */

import type { Place } from "./place.ts";

/** Settings by the name of the job. */
export type Settings = Readonly<Record<string, object>>;

/** A run without competitors breaks any lock that it finds, and waits for none. */
const BATCH = { catchUpTimeout: "2m", lockLease: "1m", lockWait: "0s" };

/** On embedded ports, which take small writes well: what is folded is visible within a blink. */
const EMBEDDED: Settings = {
  // A commit every other second a partition, or when there is much.
  ingest: { flush: { age: "2s" } },
  speed: { flushInterval: "75ms", pollInterval: "200ms" },
  batch: { ...BATCH, pollInterval: "50ms" },
};

/** On real servers, where each write is a request: fewer and larger ones. */
const SERVERS: Settings = {
  speed: { pollInterval: "500ms" },
  batch: { ...BATCH, pollInterval: "200ms" },
};

/** The settings for a place. */
export function settingsOf({ servers }: Place): Settings {
  return servers === undefined ? EMBEDDED : SERVERS;
}
