/**
 * Guesses for the next answer, from the last one to the same question. A wrong guess costs another
 * round, and changes no answer.
 *
 * @module
 */

/** What a list of subreddits is expected to begin with. */
export interface ExpectedList {
  /** The window. */
  readonly start: number;
  /** The first subreddits, by key. */
  readonly first: readonly string[];
}

/** Most questions that are remembered. */
const MOST = 256;

/** The last answers by question; the oldest are forgotten. */
export class Expected<T> {
  readonly #answers = new Map<string, T>();

  /** The last answer. */
  get(question: string): T | undefined {
    return this.#answers.get(question);
  }

  /** Remembers an answer. */
  set(question: string, answer: T): void {
    this.#answers.delete(question);
    this.#answers.set(question, answer);
    if (this.#answers.size <= MOST) return;
    const [oldest] = this.#answers.keys();
    this.#answers.delete(oldest!);
  }
}

/** What is expected of the queries that may need several rounds. */
export class Expectations {
  /** The beginnings of lists of subreddits. */
  readonly lists: Expected<ExpectedList> = new Expected();
  /** Ids of the best posts by subreddit. */
  readonly tops: Expected<readonly string[]> = new Expected();
}
