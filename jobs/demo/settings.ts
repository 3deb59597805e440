/**
 * The settings that differ from the jobs' own defaults because all run in one process.
 *
 * @module
 */

import type { Place } from "./place.ts";

/** Settings by the name of the job. */
export type Settings = Readonly<Record<string, object>>;

/** A run without competitors breaks any lock that it finds, and waits for none. */
const BATCH = { catchUpTimeout: "2m", lockLease: "1m", lockWait: "0s" };

/** For embedded ports, which are cheap to ask. */
const EMBEDDED: Settings = {
  // A commit per partition every other second, or when there are many records.
  ingest: { flush: { age: "2s" } },
  speed: { pollInterval: "200ms" },
  batch: { ...BATCH, pollInterval: "50ms" },
};

/** For real servers, where each write is a request: fewer and larger writes. */
const SERVERS: Settings = {
  speed: { pollInterval: "500ms" },
  batch: { ...BATCH, pollInterval: "200ms" },
};

/** The settings for a place. */
export function settingsOf({ servers }: Place): Settings {
  return servers === undefined ? EMBEDDED : SERVERS;
}
