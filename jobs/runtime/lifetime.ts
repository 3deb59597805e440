/**
 * How background work ends: on request, or because it can make no progress.
 *
 * @module
 */

/** The life of one piece of background work. */
export class Lifetime {
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();

  /** Runs until {@linkcode end} or {@linkcode fail}. */
  constructor() {
    // Avoids an unhandled rejection if no caller awaits `done`.
    this.#ended.promise.catch(() => {});
  }

  /** Aborted when the work must end. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Resolves when the work was asked to end; rejects when it cannot continue. */
  get done(): Promise<void> {
    return this.#ended.promise;
  }

  /** Asks the work to end. */
  end(): void {
    this.#stopping.abort();
    this.#ended.resolve();
  }

  /** Reports that the work cannot continue. Only the first reason counts. */
  readonly fail = (error: unknown): void => {
    this.#ended.reject(error);
  };

  /** Follows a part of the work: its failure fails the whole. */
  follow(part: Promise<unknown>): void {
    part.catch(this.fail);
  }
}
