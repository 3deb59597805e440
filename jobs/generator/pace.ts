/**
 * Open-loop sending: every record has a due time, and a slow log changes when it is sent but not
 * when it was due. So latencies measured from the due time have no coordinated omission.
 *
 * @module
 */

import type { Entity } from "@pipeline/core";
import { hasCode } from "@pipeline/core";
import { type Clock, systemClock } from "@pipeline/runtime";
import type { Delivery, PlannedRecord } from "./delivery.ts";

/** Records with their due times, in order. Times in milliseconds since 1970. */
export interface FactSource {
  /** When the next record is due: infinite if never, `undefined` after the last. */
  peek(): number | undefined | Promise<number | undefined>;
  /** Takes the next record. Call {@linkcode FactSource.peek} first. */
  take(): { readonly record: Entity; readonly scheduled: number };
  /** Records due at `now` and not taken. `now` must not decrease. */
  behind(now: number): number;
}

/** Like {@linkcode FactSource}, with records ready for the log. */
export interface PlannedSource {
  /** When the next record is due; as in {@linkcode FactSource}. */
  peek(): number | undefined | Promise<number | undefined>;
  /** `undefined` if the record was delayed. */
  take(): PlannedRecord | undefined;
  /** Records due at `now` and not taken. `now` must not decrease. */
  behind(now: number): number;
}

/** Options of {@linkcode pace}. */
export interface PaceOptions {
  /** Least milliseconds between two sends that do not wait for the log; 5 by default. */
  readonly linger?: number;
  /** Most records in a batch; 5,000 by default. */
  readonly maxBatch?: number;
  /** Ends the sending; records due later are not sent. */
  readonly signal?: AbortSignal;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** The time that determines what is due, milliseconds since 1970; must not decrease. */
  readonly now?: () => number;
}

/** Longest sleep in milliseconds, if nothing is due for a long time. */
const LONGEST_SLEEP = 2 ** 30;

/**
 * The wall-clock time at the call, advanced by the monotonic clock: a step of the wall clock
 * neither stalls a run nor makes it race.
 */
export function steadyTime(clock: Clock): () => number {
  const offset = clock.now() - clock.monotonic();
  return () => offset + clock.monotonic();
}

/**
 * Sends due records until the source ends or the signal is aborted. Resolves when all taken records
 * have been handed over; close the delivery to wait for the log.
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
