/**
 * Runs batch on a thread of its own, so that a long run does not hold up what is live.
 *
 * @module
 */

import {
  type BatchReport,
  type BatchSettings,
  type BatchStep,
  errorOf,
  showTrouble,
  type WorkerError,
  type WorkerTrouble,
} from "@pipeline/batch";
import { stopped, type Watched } from "@pipeline/runtime";
import type { Place } from "./parts.ts";

/** What the thread is asked for. */
export interface BatchRequest {
  /** Where everything is. */
  readonly place: Place;
  /** How to compute. */
  readonly settings: BatchSettings;
  /** Threads that fold days. */
  readonly threads: number;
}

/** What the thread says: once that it listens, then how far it is, then how it ended. */
export type BatchReply =
  | { readonly ready: true }
  | { readonly trouble: WorkerTrouble }
  | { readonly step: BatchStep; readonly done: number; readonly total: number }
  | { readonly report: BatchReport }
  | { readonly error: WorkerError };

/** Options of {@linkcode runBatchThread}. */
export interface BatchThreadOptions {
  /** Ends the run; the old generation goes on serving. */
  readonly signal?: AbortSignal;
  /** See `BatchOptions.onProgress`. */
  readonly onProgress?: (step: BatchStep, done: number, total: number) => void;
  /** Told what the thread tries again. */
  readonly shown: Watched;
}

/** Runs batch once. Rejects as `runBatch` does. */
export async function runBatchThread(
  request: BatchRequest,
  { signal, onProgress, shown }: BatchThreadOptions,
): Promise<BatchReport> {
  if (signal?.aborted) throw stopped(signal);
  const worker = new Worker(new URL("./batch_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<BatchReport>();
  const stop = () => reject(stopped(signal!));
  signal?.addEventListener("abort", stop, { once: true });
  worker.onmessage = ({ data }: MessageEvent<BatchReply>) => {
    // What is posted before the thread has loaded its modules is lost.
    if ("ready" in data) return worker.postMessage(request);
    if ("trouble" in data) return showTrouble(data.trouble, shown);
    if ("step" in data) return onProgress?.(data.step, data.done, data.total);
    if ("report" in data) return resolve(data.report);
    reject(errorOf(data.error));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`The batch thread failed: ${event.message}`));
  };
  try {
    return await promise;
  } finally {
    signal?.removeEventListener("abort", stop);
    worker.terminate();
  }
}
