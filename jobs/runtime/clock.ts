/**
 * Time as a port, so that all waiting can be tested in virtual time.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** A source of time, with a way to wait. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970. May step forward or back. */
  now(): number;
  /** Milliseconds since some fixed moment. Never decreases: use it for durations. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds. Rejects with `stopped` as soon as the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Longest delay that a timer supports; longer ones would fire at once. */
const MAX_TIMER = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    for (let left = ms; left > 0 || left === ms; left -= MAX_TIMER) {
      await timer(Math.min(left, MAX_TIMER), signal);
    }
  },
};

function timer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(stopped(signal));
    const onAbort = () => {
      clearTimeout(id);
      reject(stopped(signal!));
    };
    const id = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The error of work that was stopped by a signal. */
export function stopped(signal: AbortSignal): PipelineError {
  return new PipelineError("stopped", "The work was stopped", { cause: signal.reason });
}

/** Resolves once the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Virtual time: it passes only when a test advances it. */
export class TestClock implements Clock {
  #wall: number;
  #elapsed = 0;
  #sleepers: Sleeper[] = [];

  /** Starts a clock. @param start the first wall-clock time, milliseconds since 1970. */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#wall = start;
  }

  /** Wall-clock time, including every {@linkcode step}. */
  now(): number {
    return this.#wall + this.#elapsed;
  }

  /** Milliseconds since the clock was created. */
  monotonic(): number {
    return this.#elapsed;
  }

  /** Resolves once that much virtual time has passed. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(stopped(signal));
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
        reject(stopped(signal!));
      };
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const sleeper: Sleeper = { due: this.#elapsed + Math.max(0, ms), wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Number of pending sleeps. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Moves the wall clock alone, as a machine's clock steps when it is set. */
  step(ms: number): void {
    this.#wall += ms;
  }

  /** Lets `ms` milliseconds pass; sleepers wake in the order in which they are due. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#wake(next);
      await settle();
    }
    this.#elapsed = end;
  }

  /** Lets as much time pass as the promise needs to settle, and returns its result. */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const finish = () => void (settled = true);
    work.then(finish, finish);
    await settle();
    while (!settled) {
      const next = this.#next(Infinity);
      if (next !== undefined) this.#wake(next);
      await settle();
    }
    return await work;
  }

  #next(end: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.due <= end && (first === undefined || sleeper.due < first.due)) first = sleeper;
    }
    return first;
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
    this.#elapsed = Math.max(this.#elapsed, sleeper.due);
    sleeper.wake();
  }
}

/** Runs everything that is ready without advancing time. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
