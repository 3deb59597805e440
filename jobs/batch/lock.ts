/**
 * One batch run at a time. The lock saves work; what is right does not rest on it,
 * but on generation numbers that are taken once and on aliases that must stand where
 * they are expected.
 *
 * @module
 */

import { hasCode, PipelineError, type ServingStore } from "@pipeline/core";
import { type Clock, type Logger, Waiting } from "@pipeline/runtime";

const LOCK = "lock/batch";

interface Lease {
  readonly token: string;
  /** Milliseconds since 1970, by the holder's clock; 0 once it was given back. */
  readonly until: number;
  /** Milliseconds from the moment at which it was taken or renewed. */
  readonly lease: number;
}

/** A lease on the right to run. */
export interface BatchLock {
  /** Extends the lease. Rejects with `conflict` where somebody else took it meanwhile. */
  renew(): Promise<void>;
  /** Gives the lock back. */
  release(): Promise<void>;
}

/** How a lock is taken. */
export interface LockOptions {
  /** Milliseconds that the lock lasts without being renewed. */
  readonly lease: number;
  /** Tells when a lease is over, and waits. */
  readonly clock: Clock;
  /** Milliseconds to wait for somebody else who holds it; none where not given. */
  readonly wait?: number | undefined;
  /** Ends waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Told of the wait. */
  readonly logger?: Logger | undefined;
}

/** Milliseconds between two reads of a lock that somebody else holds. */
const POLL_INTERVAL = 1_000;

/**
 * Takes the lock. Rejects with `conflict` where somebody else holds it.
 *
 * A lease is over when its time is, or when its holder has not renewed it for as long as it
 * lasts: clocks may have stepped since, or differ.
 */
export async function lockBatch(
  store: ServingStore,
  token: string,
  { lease, clock, wait = 0, signal, logger }: LockOptions,
): Promise<BatchLock> {
  const began = clock.monotonic();
  const what = "Waiting for another batch run, which holds the lock";
  const waiting = new Waiting({ what, logger, clock });
  let held = await store.control(LOCK);
  let seen = { version: held?.version, since: began };
  for (;;) {
    const holder = held?.body as Lease | undefined;
    if (holder === undefined || holder.token === token || holder.until <= clock.now()) break;
    const now = clock.monotonic();
    if (held!.version !== seen.version) seen = { version: held!.version, since: now };
    if (now - seen.since >= holder.lease) break;
    // A lease that is longer than leases are: a clock has stepped, and only watching can tell.
    const stepped = holder.until - clock.now() > holder.lease;
    const patience = stepped ? Math.max(wait, holder.lease + POLL_INTERVAL) : wait;
    if (now - began >= patience) {
      throw new PipelineError(
        "conflict",
        `Another batch run holds the lock until ${new Date(holder.until).toISOString()}` +
          (patience > 0 ? `, and did not end within ${Math.round(now - began)} ms` : ""),
      );
    }
    waiting.look({ until: new Date(holder.until).toISOString(), at_most_ms: patience });
    await clock.sleep(Math.min(POLL_INTERVAL, holder.lease), signal);
    held = await store.control(LOCK);
  }
  let version = held?.version ?? 0;
  let last: Promise<void> = Promise.resolve();
  // One write after the other: each names the version that the one before it made.
  const write = (until: number) => {
    const next = last.then(async () => {
      version = await put(store, { token, until, lease }, version);
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
