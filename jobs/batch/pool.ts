/**
 * Folds days on several threads. Each day goes to any idle worker.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";
import type { Watched } from "@pipeline/runtime";
import type { DatasetPlace } from "./config.ts";
import type { DayTask } from "./day.ts";
import type { DayState } from "./state.ts";

/** A request to a worker. */
export interface DayRequest {
  /** The day to fold. */
  readonly task: DayTask;
}

/** A message from a worker: first that it listens, then an answer to each request. */
export type DayReply =
  | { readonly ready: true }
  | { readonly trouble: WorkerTrouble }
  | { readonly state: DayState }
  | { readonly error: WorkerError };

/** An error in a form that crosses threads. */
export interface WorkerError {
  /** Code of a `PipelineError`. */
  readonly code: ErrorCode | undefined;
  /** The error's message. */
  readonly message: string;
}

/** A retry or a wait of a worker: see `Watched`. */
export type WorkerTrouble =
  | { readonly attempt: number; readonly delay: number; readonly error: WorkerError }
  | { readonly attempts: number; readonly succeeded: boolean }
  | { readonly what: string; readonly waited: number };

/** The retry callbacks of a worker's ports, which post what happens. */
export function posted(post: (trouble: WorkerTrouble) => void): Watched {
  return {
    onRetry: ({ attempt, delay, error }) => post({ attempt, delay, error: workerError(error) }),
    onSettled: (attempts, succeeded) => post({ attempts, succeeded }),
    onSlow: (what, waited) => post({ what, waited }),
  };
}

/** Reports a posted retry or wait. */
export function showTrouble(trouble: WorkerTrouble, shown: Watched): void {
  if ("what" in trouble) return shown.onSlow(trouble.what, trouble.waited);
  if ("attempts" in trouble) return shown.onSettled(trouble.attempts, trouble.succeeded);
  const { attempt, delay, error: { code = "unavailable", message } } = trouble;
  shown.onRetry({ attempt, delay, error: new PipelineError(code, message) });
}

/** The form of an error that crosses threads. */
export function workerError(error: unknown): WorkerError {
  const code = error instanceof PipelineError ? error.code : undefined;
  return { code, message: error instanceof Error ? error.message : String(error) };
}

/**
 * Starts a pool of threads that fold days of a dataset.
 *
 * @param options.shown receives the threads' retries.
 */
export function startDayPool(
  threads: number,
  { embedded, hdfs }: DatasetPlace,
  { shown }: { readonly shown?: Watched } = {},
): DayPool {
  const url = new URL("./day_worker.ts", import.meta.url);
  return new DayPool(threads, {
    start: () => new Worker(url, { type: "module", name: JSON.stringify({ embedded, hdfs }) }),
    ...(shown === undefined ? {} : { shown }),
  });
}

/** A pool of workers that fold days. */
export class DayPool {
  readonly #idle: Worker[] = [];
  readonly #workers: readonly Worker[];
  readonly #waiting: PromiseWithResolvers<Worker>[] = [];
  readonly #shown: Watched | undefined;
  #failed: Error | undefined;

  /**
   * Starts the workers.
   *
   * @param size the number of workers.
   * @param options.start starts one; it must post that it is ready (messages that reach it before
   * its modules are loaded are lost), and then answer each {@linkcode DayRequest} with one
   * {@linkcode DayReply}, besides its retries.
   * @param options.shown receives the workers' retries.
   */
  constructor(
    size: number,
    { start, shown }: { readonly start: () => Worker; readonly shown?: Watched },
  ) {
    this.#shown = shown;
    this.#workers = Array.from({ length: size }, () => {
      const worker = start();
      worker.onmessage = () => this.#free(worker);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(new Error(`A batch worker failed: ${event.message}`));
      };
      return worker;
    });
  }

  /** Folds a day on the next free worker. */
  async fold(task: DayTask): Promise<DayState> {
    const worker = await this.#next();
    const answer = Promise.withResolvers<DayState>();
    worker.onmessage = ({ data }: MessageEvent<DayReply>) => {
      if ("state" in data) answer.resolve(data.state);
      else if ("trouble" in data && this.#shown !== undefined) {
        showTrouble(data.trouble, this.#shown);
      } else if ("error" in data) answer.reject(errorOf(data.error));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`A batch worker failed: ${event.message}`));
      answer.reject(this.#failed);
    };
    worker.postMessage({ task } satisfies DayRequest);
    try {
      return await answer.promise;
    } finally {
      this.#free(worker);
    }
  }

  #next(): Promise<Worker> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const worker = this.#idle.pop();
    if (worker !== undefined) return Promise.resolve(worker);
    const waiting = Promise.withResolvers<Worker>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  #free(worker: Worker): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(worker);
    else next.resolve(worker);
  }

  /** The first failure ends the pool: a run needs every day. */
  #fail(error: Error): void {
    this.#failed ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Terminates all workers, even busy ones. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

/** Restores an error that crossed threads. */
export function errorOf({ code, message }: WorkerError): Error {
  return code === undefined ? new Error(message) : new PipelineError(code, message);
}
