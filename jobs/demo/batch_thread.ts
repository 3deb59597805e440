/**
 * Runs batch's command on a thread of its own: it publishes on the thread that it runs on, and would hold
 * up what is live.
 *
 * @module
 */

import { type BatchConfig, errorOf, type WorkerError } from "@pipeline/batch";
import { type Metrics, stopped } from "@pipeline/runtime";

/**
 * What the thread says: once that it listens, then what it logs and how much of each step is done, 0 to 1,
 * then how it ended.
 */
export type BatchReply =
  | { readonly ready: true }
  | { readonly line: string }
  | { readonly steps: Readonly<Record<string, number | undefined>> }
  | { readonly code: number }
  | { readonly error: WorkerError };

/** A run of batch on a thread. */
export interface BatchThread {
  /** As of a command in this thread. It rejects with `stopped` as soon as it is told to end. */
  readonly done: Promise<number>;
  /** Only how far the steps are. */
  readonly metrics: Pick<Metrics, "read">;
}

/** Starts `batch run`. Told to end, it ends where it is; the old generation goes on serving. */
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
    // What is posted before the thread has loaded its modules is lost.
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
