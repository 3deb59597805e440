/**
 * Open-loop sending: every record has its time, and a log that is slow changes when
 * it is sent but not when it was due. So latencies measured from there have no
 * coordinated omission.
 *
 * @module
 */

import type { Entity } from "@pipeline/core";
import { hasCode } from "@pipeline/core";
import { type Clock, systemClock } from "@pipeline/runtime";
import type { Delivery, PlannedRecord } from "./delivery.ts";

/** Records with the times at which they are due, in order. Times in milliseconds since 1970. */
export interface FactSource {
  /** When the next one is due: infinite where that is never, `undefined` after the last. */
  peek(): number | undefined | Promise<number | undefined>;
  /** Takes the next one. Ask {@linkcode FactSource.peek} before. */
  take(): { readonly record: Entity; readonly scheduled: number };
  /** Records due at `now` and not taken. `now` must not decrease. */
  behind(now: number): number;
}

/** Like {@linkcode FactSource}, in the form the log takes. */
export interface PlannedSource {
  /** When the next one is due; as in {@linkcode FactSource}. */
  peek(): number | undefined | Promise<number | undefined>;
  /** `undefined` where the record was put off to a later time. */
  take(): PlannedRecord | undefined;
  /** Records due at `now` and not taken. `now` must not decrease. */
  behind(now: number): number;
}

/** Options of {@linkcode pace}. */
export interface PaceOptions {
  /** Least milliseconds between two sends that do not wait for the log; 5 where not given. */
  readonly linger?: number;
  /** Most records in a batch; 5,000 where not given. */
  readonly maxBatch?: number;
  /** Ends the sending; what is due later is not sent. */
  readonly signal?: AbortSignal;
  /** The machine's clock where not given. */
  readonly clock?: Clock;
  /** The time that counts, milliseconds since 1970; must not decrease. */
  readonly now?: () => number;
}

/** Longest sleep in milliseconds, where nothing is due for a long time. */
const LONGEST_SLEEP = 2 ** 30;

/**
 * Time as the wall clock had it at the call, carried on by the monotonic clock: a
 * step of the wall clock neither stalls a run nor makes it race.
 */
export function steadyTime(clock: Clock): () => number {
  const offset = clock.now() - clock.monotonic();
  return () => offset + clock.monotonic();
}

/**
 * Sends what is due until the source ends or the signal is aborted. Resolves when
 * all that was taken has been handed over; close the delivery to wait for the log.
 */
export async function pace(
  source: PlannedSource,
  delivery: Delivery,
  options: PaceOptions = {},
): Promise<void> {
  const { linger = 5, maxBatch = 5_000, signal, clock = systemClock } = options;
  const now = options.now ?? steadyTime(clock);
  let batch: PlannedRecord[] = [];
  const send = async () => {
    if (batch.length === 0) return;
    await delivery.room();
    delivery.send(batch);
    batch = [];
  };
  let time = now();
  while (signal?.aborted !== true) {
    let due = source.peek();
    if (due instanceof Promise) due = await due;
    if (due === undefined) break;
    if (due <= time) {
      const record = source.take();
      if (record !== undefined) batch.push(record);
      if (batch.length >= maxBatch) await send();
      continue;
    }
    time = now();
    if (due <= time) continue;
    await send();
    try {
      time = now();
      await clock.sleep(Math.min(Math.max(due - time, linger), LONGEST_SLEEP), signal);
    } catch (error) {
      if (!hasCode(error, "stopped")) throw error;
    }
    time = now();
  }
  await send();
}
