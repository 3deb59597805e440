/**
 * Runs batch on a separate thread, so that a long run does not delay live records.
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

/** The request to the thread. */
export interface BatchRequest {
  /** Location of the ports. */
  readonly place: Place;
  /** Settings of the computation. */
  readonly settings: BatchSettings;
  /** Threads that fold days. */
  readonly threads: number;
}

/** A message from the thread: first that it listens, then progress, then its result. */
export type BatchReply =
  | { readonly ready: true }
  | { readonly trouble: WorkerTrouble }
  | { readonly step: BatchStep; readonly done: number; readonly total: number }
  | { readonly report: BatchReport }
  | { readonly error: WorkerError };

/** Options of {@linkcode runBatchThread}. */
export interface BatchThreadOptions {
  /** Ends the run; the old generation stays served. */
  readonly signal?: AbortSignal;
  /** See `BatchOptions.onProgress`. */
  readonly onProgress?: (step: BatchStep, done: number, total: number) => void;
  /** Receives the thread's retries. */
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
    // Messages posted before the thread has loaded its modules are lost.
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
