/**
 * Runs batch's command on a separate thread: publishing takes up its thread, and would delay live
 * records.
 *
 * @module
 */

import { type BatchConfig, errorOf, type WorkerError } from "@pipeline/batch";
import { type Metrics, stopped } from "@pipeline/runtime";

/**
 * A message from the thread: first that it listens, then log lines and the completed share of each
 * step, 0 to 1, and at the end its exit code or error.
 */
export type BatchReply =
  | { readonly ready: true }
  | { readonly line: string }
  | { readonly steps: Readonly<Record<string, number | undefined>> }
  | { readonly code: number }
  | { readonly error: WorkerError };

/** A run of batch on a separate thread. */
export interface BatchThread {
  /** As of a command on this thread, but it rejects with `stopped` as soon as the signal is aborted. */
  readonly done: Promise<number>;
  /** The completed share of each step, and no other metric. */
  readonly metrics: Pick<Metrics, "read">;
}

/** Starts `batch run`. The signal terminates the thread at once; the old generation stays served. */
export function startBatchThread(
  config: BatchConfig,
  { signal, sink }: { readonly signal: AbortSignal; readonly sink: (line: string) => void },
): BatchThread {
  const worker = new Worker(new URL("./batch_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let steps: Readonly<Record<string, number | undefined>> = {};
  const stop = () => reject(stopped(signal));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  worker.onmessage = ({ data }: MessageEvent<BatchReply>) => {
    // Messages posted before the thread has loaded its modules are lost.
    if ("ready" in data) worker.postMessage(config);
    else if ("line" in data) sink(data.line);
    else if ("steps" in data) steps = data.steps;
    else if ("code" in data) resolve(data.code);
    else reject(errorOf(data.error));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`The batch thread failed: ${event.message}`));
  };
  const done = promise.finally(() => {
    signal.removeEventListener("abort", stop);
    worker.terminate();
  });
  done.catch(() => {});
  return { done, metrics: { read: (_, labels) => Promise.resolve(steps[labels!.step!]) } };
}
