/**
 * The retry of calls, with one rule for its waits.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { type Clock, stopped, systemClock } from "./clock.ts";

/** How long to wait between attempts, and how many to make. */
export interface RetryPolicy {
  /** Ceiling of the first wait in milliseconds; it doubles with every attempt. */
  readonly base: number;
  /** Ceiling of every wait in milliseconds. */
  readonly max: number;
  /** Most attempts in all; unlimited by default. */
  readonly attempts?: number;
}

/** Waits up to 100 ms first, up to 10 s later, for as long as it takes. */
export const DEFAULT_POLICY: RetryPolicy = { base: 100, max: 10_000 };

/** A retry that is about to happen. */
export interface RetryNotice {
  /** Number of failed attempts so far. */
  readonly attempt: number;
  /** The wait before the next one in milliseconds. */
  readonly delay: number;
  /** The error of the last attempt. */
  readonly error: PipelineError;
}

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /** {@linkcode DEFAULT_POLICY} by default. */
  readonly policy?: RetryPolicy;
  /** Ends waits and attempts. */
  readonly signal?: AbortSignal;
  /** Source of waits; the machine's own clock by default. */
  readonly clock?: Pick<Clock, "sleep">;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Called before each wait. */
  readonly onRetry?: (notice: RetryNotice) => void;
  /**
   * Called once at the end of a call that was retried, with the number of attempts and whether it
   * succeeded.
   */
  readonly onSettled?: (attempts: number, succeeded: boolean) => void;
}

/**
 * Calls `fn` until it succeeds, as long as its errors are retriable (`PipelineError.retriable`).
 * Waits are exponential with full jitter, so that many callers do not return at the same moment.
 *
 * @throws the last error of `fn`, or `stopped` once the signal is aborted.
 */
export async function retry<T>(
  fn: (attempt: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { policy = DEFAULT_POLICY, signal, clock = systemClock, random = Math.random } = options;
  let retried = false;
  let succeeded = false;
  let attempt = 1;
  try {
    for (;; attempt++) {
      if (signal?.aborted) throw stopped(signal);
      try {
        const result = await fn(attempt);
        succeeded = true;
        return result;
      } catch (error) {
        const retriable = error instanceof PipelineError && error.retriable;
        if (!retriable || attempt >= (policy.attempts ?? Infinity)) throw error;
        if (signal?.aborted) throw stopped(signal);
        const delay = random() * Math.min(policy.max, policy.base * 2 ** (attempt - 1));
        retried = true;
        options.onRetry?.({ attempt, delay, error });
        await clock.sleep(delay, signal);
      }
    }
  } finally {
    if (retried) options.onSettled?.(attempt, succeeded);
  }
}

/** Options of {@linkcode withTimeout}. */
export interface TimeoutOptions {
  /** Timeout in milliseconds. */
  readonly ms: number;
  /** The call's name in messages, e.g. `The search in Elasticsearch`. */
  readonly what: string;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
  /** The machine's own clock by default. */
  readonly clock?: Pick<Clock, "sleep">;
}

/**
 * Calls `fn` with a signal that is aborted after the timeout.
 *
 * @throws {PipelineError} `unavailable` after the timeout: the call's effect is unknown; `stopped`
 * when the caller's signal is aborted; else the error of `fn`.
 */
export async function withTimeout<T>(
  fn: (signal: AbortSignal) => Promise<T>,
  options: TimeoutOptions,
): Promise<T> {
  const { ms, what, signal, clock = systemClock } = options;
  if (signal?.aborted) throw stopped(signal);
  const work = new AbortController();
  const timer = new AbortController();
  const onAbort = () => timer.abort(signal!.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const over = clock.sleep(ms, timer.signal).then(
    () => new PipelineError("unavailable", `${what} did not answer within ${ms} ms`),
    () => signal?.aborted ? stopped(signal) : undefined,
  ).then((error) => {
    if (error === undefined) return new Promise<never>(() => {});
    work.abort(error);
    throw error;
  });
  try {
    return await Promise.race([fn(work.signal), over]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    timer.abort();
  }
}
