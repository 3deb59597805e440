/**
 * Folds days on several threads. Days go to whichever worker is free.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";
import type { DayTask } from "./day.ts";
import type { DayState } from "./state.ts";

/** What a pool asks of a worker. */
export interface DayRequest {
  readonly task: DayTask;
}

/** What a worker answers. */
export type DayReply =
  | { readonly state: DayState }
  | { readonly error: { readonly code: ErrorCode | undefined; readonly message: string } };

/** A number of workers that fold days. */
export class DayPool {
  readonly #idle: Worker[];
  readonly #workers: readonly Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  /**
   * @param size how many workers.
   * @param start starts one; it must answer each {@linkcode DayRequest} with one {@linkcode DayReply}.
   */
  constructor(size: number, start: () => Worker) {
    this.#workers = Array.from({ length: size }, start);
    this.#idle = [...this.#workers];
  }

  /** Folds a day on the next free worker. */
  async fold(task: DayTask): Promise<DayState> {
    const worker = this.#idle.pop() ??
      await new Promise<Worker>((resolve) => this.#waiting.push(resolve));
    try {
      return await ask(worker, { task });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
  }

  /** Ends all workers, whatever they do. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

function ask(worker: Worker, request: DayRequest): Promise<DayState> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<DayReply>) => {
      if ("state" in data) return resolve(data.state);
      const { code, message } = data.error;
      reject(code === undefined ? new Error(message) : new PipelineError(code, message));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`A batch worker failed: ${event.message}`));
    };
    worker.postMessage(request);
  });
}
