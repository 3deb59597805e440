/**
 * Folds in the same process, without a network between the question and them.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { LiveParts, PartAnswer, PartsRequest } from "./parts.ts";

/**
 * Answers at once, or throws a {@linkcode PipelineError} to refuse, such as for a generation that it
 * does not fold.
 */
export type AnswerParts = (request: PartsRequest) => readonly PartAnswer[];

/** The folds of this process: speed offers them, serving asks them. */
export class LocalParts implements LiveParts {
  #answer: AnswerParts = () => [];

  /** Offers folds, in place of those that were offered before. Returns what withdraws them. */
  offer(answer: AnswerParts): () => void {
    this.#answer = answer;
    return () => {
      if (this.#answer === answer) this.#answer = () => [];
    };
  }

  /**
   * See {@linkcode LiveParts.ask}. Without folds, or if they refuse, there are no answers. Any other
   * error is a mistake in the program, and the only one with which it rejects.
   */
  async ask(request: PartsRequest): Promise<readonly PartAnswer[]> {
    // In a turn of its own, as over a network: no caller can depend on an answer at once.
    await Promise.resolve();
    try {
      return this.#answer(request);
    } catch (error) {
      if (error instanceof PipelineError) return [];
      throw error;
    }
  }
}
