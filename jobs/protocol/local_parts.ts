/**
 * Folds in the same process, without a network between the question and them.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { LiveParts, PartAnswer, PartsRequest } from "./parts.ts";

/**
 * Asks folds in this process.
 *
 * @param answer answers at once, or throws a {@linkcode PipelineError} to refuse, such as for a
 * generation that it does not fold: then there are no answers. Any other error is a mistake in the
 * program, and the only one with which `ask` rejects.
 */
export function localParts(answer: (request: PartsRequest) => readonly PartAnswer[]): LiveParts {
  return {
    ask: (request) =>
      // In a turn of its own, as over a network: no caller can depend on an answer at once.
      Promise.resolve(request).then(answer).catch((error: unknown) => {
        if (error instanceof PipelineError) return [];
        throw error;
      }),
  };
}
