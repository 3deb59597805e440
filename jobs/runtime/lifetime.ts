/**
 * How something that runs in the background ends: because it was told to, or because
 * it can make no progress.
 *
 * @module
 */

/** The life of one piece of background work. */
export class Lifetime {
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();

  /** Runs until {@linkcode end} or {@linkcode fail}. */
  constructor() {
    // Nobody need await `done`: its rejection is no unhandled one.
    this.#ended.promise.catch(() => {});
  }

  /** Aborted once the work is told to end. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Resolves when the work was told to end; rejects when it cannot go on. */
  get done(): Promise<void> {
    return this.#ended.promise;
  }

  /** Tells the work to end. */
  end(): void {
    this.#stopping.abort();
    this.#ended.resolve();
  }

  /** The work cannot go on. Only the first reason counts. */
  readonly fail = (error: unknown): void => {
    this.#ended.reject(error);
  };

  /** Follows a part of the work: where that fails, all fails. */
  follow(part: Promise<unknown>): void {
    part.catch(this.fail);
  }
}
