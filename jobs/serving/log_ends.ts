/**
 * Asks for the end of the log at most so often, however many requests want it.
 *
 * @module
 */

import type { OffsetVector } from "@pipeline/core";
import { type Clock, withTimeout } from "@pipeline/runtime";
import type { LogEnds } from "./queries/reading.ts";

/** Options of {@linkcode shareEnds}. */
export interface ShareOptions {
  /** Measures ages and time-outs. */
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Milliseconds that an answer is used for; 500 where not given. */
  readonly maxAge?: number;
  /** Milliseconds to wait for the log; 1,000 where not given. */
  readonly timeout?: number;
}

/** The same, asked once at a time and not again while the answer is fresh. */
export function shareEnds(ends: LogEnds, options: ShareOptions): LogEnds {
  const { clock, maxAge = 500, timeout = 1000 } = options;
  let shared: { readonly asked: number; readonly answer: Promise<OffsetVector> } | undefined;
  return () => {
    const now = clock.monotonic();
    if (shared === undefined || now - shared.asked >= maxAge) {
      const answer = withTimeout(ends, { ms: timeout, what: "The log", clock });
      shared = { asked: now, answer };
    }
    return shared.answer;
  };
}
