/**
 * Limits how often a call is made, however many requests want its result.
 *
 * @module
 */

import { type Clock, withTimeout } from "@pipeline/runtime";

/** Options of {@linkcode shareAnswer}. */
export interface ShareOptions {
  /** The call's name, as the beginning of a sentence. */
  readonly what: string;
  /** Milliseconds for which a result is reused. */
  readonly maxAge: number;
  /** Milliseconds to wait for a result. */
  readonly timeout: number;
  /** Measures ages and timeouts. */
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
}

/** Wraps `ask`: concurrent callers share one call, and its result or failure is reused while it is fresh. */
export function shareAnswer<T>(ask: () => Promise<T>, options: ShareOptions): () => Promise<T> {
  const { clock, what, maxAge, timeout } = options;
  let shared: { readonly asked: number; readonly answer: Promise<T> } | undefined;
  return () => {
    const now = clock.monotonic();
    if (shared === undefined || now - shared.asked >= maxAge) {
      shared = { asked: now, answer: withTimeout(ask, { ms: timeout, what, clock }) };
    }
    return shared.answer;
  };
}
