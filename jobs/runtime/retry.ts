/**
 * The one place where calls are tried again, and the one rule of when.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { type Clock, stopped, systemClock } from "./clock.ts";

/** How long to wait between tries, and how often to try. */
export interface RetryPolicy {
  /** Ceiling of the first wait in milliseconds; it doubles with every try. */
  readonly base: number;
  /** Ceiling of every wait in milliseconds. */
  readonly max: number;
  /** Most tries in all; without limit where not given. */
  readonly attempts?: number;
}

/** Waits up to 100 ms first, up to 10 s later, for as long as it takes. */
export const DEFAULT_POLICY: RetryPolicy = { base: 100, max: 10_000 };

/** What is about to be tried again. */
export interface RetryNotice {
  /** Number of tries that failed so far. */
  readonly attempt: number;
  /** The wait before the next one in milliseconds. */
  readonly delay: number;
  /** What the last try threw. */
  readonly error: PipelineError;
}

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /** {@linkcode DEFAULT_POLICY} where not given. */
  readonly policy?: RetryPolicy;
  /** Ends waiting and trying. */
  readonly signal?: AbortSignal;
  /** How to wait; the machine's own clock where not given. */
  readonly clock?: Pick<Clock, "sleep">;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Called before each wait. */
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Called once at the end of a call that was tried again: how often, and whether it succeeded. */
  readonly onSettled?: (attempts: number, succeeded: boolean) => void;
}

/**
 * Calls `fn` until it succeeds, as long as its errors say that this can help
 * (`PipelineError.retriable`). Waits are exponential with full jitter, so that many
 * callers do not come back at the same moment.
 *
 * @throws what `fn` threw last, or `stopped` once the signal is aborted.
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
  /** Milliseconds. */
  readonly ms: number;
  /** What is called, for the message, e.g. `The search in Elasticsearch`. */
  readonly what: string;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
  /** The machine's own clock where not given. */
  readonly clock?: Pick<Clock, "sleep">;
}

/**
 * Calls `fn` with a signal that is aborted when the time is over.
 *
 * @throws {PipelineError} `unavailable` when the time is over: the call's effect is not known;
 * `stopped` when the caller's signal is aborted; else what `fn` threw.
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
