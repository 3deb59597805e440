/**
 * Looks at the store while there are no requests.
 *
 * @module
 */

import { type Clock, errorText, type Logger, Waiting } from "@pipeline/runtime";
import type { Source } from "./reading/source.ts";

/** Milliseconds between two looks at the store, while it answers and otherwise. */
const POLL_INTERVAL = { answers: 2_000, waiting: 250 };

/**
 * Looks at the store until the signal is aborted, so that the job becomes ready without requests,
 * and logs while there is nothing to serve or the store is away.
 */
export async function watchStore(
  { served }: Pick<Source, "served">,
  { clock, logger, signal }: {
    readonly clock: Pick<Clock, "monotonic" | "sleep">;
    readonly logger: Pick<Logger, "info"> | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  let waiting: Waiting | undefined;
  while (!signal.aborted) {
    await served.get().catch(() => {});
    const { last, failure } = served;
    const why = failure !== undefined ? errorText(failure) : "there is none yet";
    if (last !== undefined && failure === undefined) {
      waiting = undefined;
    } else {
      const what = last === undefined
        ? "Waiting for a generation to serve"
        : `Serving generation ${last.generation} from memory until the store answers`;
      waiting ??= new Waiting({ what, logger, clock });
      waiting.look({ why });
    }
    const interval = waiting === undefined ? POLL_INTERVAL.answers : POLL_INTERVAL.waiting;
    await clock.sleep(interval, signal).catch(() => {});
  }
}
