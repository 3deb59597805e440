/**
 * Results of finished runs of batch and verify, stored as control documents, so that serving can export them as
 * metrics after the process has ended.
 *
 * @module
 */

import type { ServingStore } from "@pipeline/core";

/** What came of a run of batch that built a generation. */
export interface RunSucceeded {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** What was built. */
  readonly generation: number;
  /** Milliseconds by step. */
  readonly took: Readonly<Record<"fold" | "publish" | "switch", number>>;
}

/** What came of a run of batch that built none. */
export interface RunFailed {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** One line. */
  readonly why: string;
}

/** What a verification found. */
export interface Verified {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** What was verified. */
  readonly generation: number;
  /** Things that are not as they must be. */
  readonly differences: number;
}

/** What a verification found that was given a ledger. */
export interface Compared {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** Things in which the dataset is not as the ledger of acknowledged records says. */
  readonly differences: number;
}

/** The last of each kind, where there was one. */
export interface Outcomes {
  /** Of `batch run`. */
  readonly succeeded?: RunSucceeded;
  /** Of `batch run`. */
  readonly failed?: RunFailed;
  /** Of `batch verify`. */
  readonly verified?: Verified;
  /** Of `batch verify` with a ledger: a verification without one changes nothing about it. */
  readonly compared?: Compared;
}

const OUTCOMES = "outcome/";

/** Writes one outcome; an older one never replaces a newer one. */
export async function writeOutcome<K extends keyof Outcomes>(
  store: ServingStore,
  kind: K,
  outcome: NonNullable<Outcomes[K]>,
): Promise<void> {
  await store.putControls([{ id: OUTCOMES + kind, version: outcome.at, body: outcome }]);
}

/** Reads the last outcome of each kind. */
export async function readOutcomes(store: ServingStore): Promise<Outcomes> {
  const found = await store.controls(OUTCOMES);
  return Object.fromEntries(
    found.map(({ id, body }) => [id.slice(OUTCOMES.length), body]),
  ) as Outcomes;
}
