/**
 * Results of finished runs of batch and verify, stored as control documents, so that serving can export them as
 * metrics after the process has ended.
 *
 * @module
 */

import type { ServingStore } from "@pipeline/core";

/** Result of a run of batch that built a generation. */
export interface RunSucceeded {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** The generation that was built. */
  readonly generation: number;
  /** Milliseconds by step. */
  readonly took: Readonly<Record<"fold" | "publish" | "switch", number>>;
}

/** Result of a run of batch that failed. */
export interface RunFailed {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** The error, in one line. */
  readonly why: string;
}

/** Result of a verification. */
export interface Verified {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** The generation that was verified. */
  readonly generation: number;
  /** Number of differences found. */
  readonly differences: number;
}

/** Result of a verification with a ledger. */
export interface Compared {
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
  /** Number of differences between the dataset and the ledger of acknowledged records. */
  readonly differences: number;
}

/** The last outcome of each kind, if there is one. */
export interface Outcomes {
  /** The last success of `batch run`. */
  readonly succeeded?: RunSucceeded;
  /** The last failure of `batch run`. */
  readonly failed?: RunFailed;
  /** The last result of `batch verify`. */
  readonly verified?: Verified;
  /**
   * The last result of `batch verify` with a ledger: a verification without one leaves it
   * unchanged.
   */
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
