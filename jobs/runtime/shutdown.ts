/**
 * Shutdown on request: the first signal drains, the second (or the end of a grace period) ends at
 * once.
 *
 * @module
 */

import { hasCode } from "@pipeline/core";
import { type Clock, systemClock } from "./clock.ts";

/** Signals that ask a program to end. */
export const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** One of {@linkcode STOP_SIGNALS}. */
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** A source of signals. */
export interface SignalSource {
  /** Calls the listener on every signal until the returned function is called. */
  listen(listener: (signal: StopSignal) => void): () => void;
}

/** The signals of this process. */
export const processSignals: SignalSource = {
  listen: (listener) => {
    const handlers = STOP_SIGNALS.map((signal) => {
      const handler = () => listener(signal);
      Deno.addSignalListener(signal, handler);
      return () => Deno.removeSignalListener(signal, handler);
    });
    return () => handlers.forEach((remove) => remove());
  },
};

/** How work ended: by itself, drained after a signal, or left unfinished. */
export type Ending<T> =
  | { readonly how: "finished"; readonly result: T }
  | { readonly how: "drained"; readonly signal: StopSignal; readonly result: T | undefined }
  | { readonly how: "forced"; readonly signal: StopSignal; readonly why: string };

/** Options of {@linkcode runUntilSignal}. */
export interface ShutdownOptions {
  /** Milliseconds that draining may take. Below the pod's own grace period. */
  readonly grace: number;
  /** The signals of this process by default. */
  readonly signals?: SignalSource;
  /** The machine's own clock by default. */
  readonly clock?: Pick<Clock, "sleep">;
  /** Called at the first signal, before the work is asked to end. */
  readonly onDrain?: (signal: StopSignal) => void;
}

/**
 * Runs work that ends when its signal is aborted: it stops reading, finishes pending work, and
 * releases its resources. Work that rejects because it was stopped has drained.
 *
 * @throws the work's error for any other reason, while running or draining.
 */
export async function runUntilSignal<T>(
  work: (signal: AbortSignal) => Promise<T>,
  options: ShutdownOptions,
): Promise<Ending<T>> {
  const { grace, signals = processSignals, clock = systemClock, onDrain } = options;
  const stop = new AbortController();
  const timer = new AbortController();
  const { promise: forced, resolve: force } = Promise.withResolvers<Ending<T>>();
  let first: StopSignal | undefined;
  const unlisten = signals.listen((signal) => {
    if (first !== undefined) return force({ how: "forced", signal, why: "a second signal" });
    first = signal;
    onDrain?.(signal);
    stop.abort(signal);
    clock.sleep(grace, timer.signal).then(
      () => force({ how: "forced", signal, why: `draining took longer than ${grace} ms` }),
      () => {},
    );
  });
  const worked = (async (): Promise<Ending<T>> => {
    try {
      const result = await work(stop.signal);
      if (first === undefined) return { how: "finished", result };
      return { how: "drained", signal: first, result };
    } catch (error) {
      if (first === undefined || !hasCode(error, "stopped")) throw error;
      return { how: "drained", signal: first, result: undefined };
    }
  })();
  try {
    return await Promise.race([worked, forced]);
  } finally {
    unlisten();
    timer.abort();
  }
}
