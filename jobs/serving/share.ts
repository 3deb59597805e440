/**
 * Asks a question at most so often, however many requests want the answer.
 *
 * @module
 */

import { type Clock, withTimeout } from "@pipeline/runtime";

/** Options of {@linkcode shareAnswer}. */
export interface ShareOptions {
  /** Who is asked, as the beginning of a sentence. */
  readonly what: string;
  /** Milliseconds that an answer is used for. */
  readonly maxAge: number;
  /** Milliseconds to wait for an answer. */
  readonly timeout: number;
  /** Measures ages and time-outs. */
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
