/**
 * One batch run at a time. The lock saves work; what is right does not rest on it,
 * but on generation numbers that are taken once and on aliases that must stand where
 * they are expected.
 *
 * @module
 */

import { hasCode, PipelineError, type ServingStore } from "@pipeline/core";
import type { Clock } from "@pipeline/runtime";

const LOCK = "lock/batch";

interface Lease {
  readonly token: string;
  /** Milliseconds since 1970, by the holder's clock; 0 once it was given back. */
  readonly until: number;
}

/** A lease on the right to run. */
export interface BatchLock {
  /** Extends the lease. Rejects with `conflict` where somebody else took it meanwhile. */
  renew(): Promise<void>;
  /** Gives the lock back. */
  release(): Promise<void>;
}

/**
 * Takes the lock for `lease` milliseconds.
 * Rejects with `conflict` while somebody else holds it.
 */
export async function lockBatch(
  store: ServingStore,
  token: string,
  lease: number,
  clock: Clock,
): Promise<BatchLock> {
  const held = await store.control(LOCK);
  const holder = held?.body as Lease | undefined;
  if (holder !== undefined && holder.until > clock.now() && holder.token !== token) {
    throw new PipelineError(
      "conflict",
      `Another batch run holds the lock until ${new Date(holder.until).toISOString()}`,
    );
  }
  let version = held?.version ?? 0;
  let last: Promise<void> = Promise.resolve();
  // One write after the other: each names the version that the one before it made.
  const write = (until: number) => {
    const next = last.then(async () => {
      version = await put(store, { token, until }, version);
    });
    last = next.catch(() => {});
    return next;
  };
  await write(clock.now() + lease);
  return {
    renew: () => write(clock.now() + lease),
    release: () => write(0),
  };
}

/**
 * Takes the lock away from whoever held it. Only for somebody who knows that no run is
 * left that could hold it, such as the owner of a data folder before its first one.
 */
export async function breakLock(store: ServingStore): Promise<void> {
  await store.removeControls([LOCK]);
}

async function put(store: ServingStore, lease: Lease, expected: number): Promise<number> {
  try {
    return await store.putControl(LOCK, lease, expected);
  } catch (error) {
    if (!hasCode(error, "conflict")) throw error;
    // The answer of an earlier try may have been lost: then the lock is ours already.
    const held = await store.control(LOCK);
    if (held === undefined || (held.body as Lease).token !== lease.token) throw error;
    return held.version;
  }
}
