/**
 * One batch run at a time. The lock saves work; correctness does not depend on it, but on
 * generation numbers that are claimed once and on aliases that move only from where they are
 * expected.
 *
 * @module
 */

import { hasCode, PipelineError, type ServingStore } from "@pipeline/core";
import { type Clock, type Logger, Waiting } from "@pipeline/runtime";

const LOCK = "lock/batch";

interface Lease {
  readonly token: string;
  /** Milliseconds since 1970, by the holder's clock; 0 once it was released. */
  readonly until: number;
  /** Milliseconds since it was taken or renewed. */
  readonly lease: number;
}

/** A lease on the right to run. */
export interface BatchLock {
  /** Extends the lease. Rejects with `conflict` if another run took it meanwhile. */
  renew(): Promise<void>;
  /** Releases the lock. */
  release(): Promise<void>;
}

/** How a lock is taken. */
export interface LockOptions {
  /** Milliseconds that the lock lasts without being renewed. */
  readonly lease: number;
  /** Determines when a lease is over, and waits. */
  readonly clock: Clock;
  /** Milliseconds to wait for another holder; none by default. */
  readonly wait?: number | undefined;
  /** Aborts the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Logs the wait. */
  readonly logger?: Logger | undefined;
}

/** Milliseconds between two reads of a lock that another run holds. */
const POLL_INTERVAL = 1_000;

/**
 * Takes the lock. Rejects with `conflict` if another run holds it.
 *
 * A lease is over at its end, or when its holder has not renewed it for its whole length: clocks
 * may have stepped since, or differ.
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
    // The remaining time exceeds a whole lease: a clock has stepped, and only watching can decide.
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
  // Writes are serialised: each names the version that the previous one created.
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
 * Takes the lock from any holder. Only for a caller that knows that no run is left to hold it, such
 * as the owner of a data folder before its first run.
 */
export async function breakLock(store: ServingStore): Promise<void> {
  await store.removeControls([LOCK]);
}

async function put(store: ServingStore, lease: Lease, expected: number): Promise<number> {
  try {
    return await store.putControl(LOCK, lease, expected);
  } catch (error) {
    if (!hasCode(error, "conflict")) throw error;
    // The answer of an earlier attempt may have been lost: then the lock is ours already.
    const held = await store.control(LOCK);
    if (held === undefined || (held.body as Lease).token !== lease.token) throw error;
    return held.version;
  }
}
