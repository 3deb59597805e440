/**
 * A source for tests.
 *
 * @module
 */

import { TestClock } from "@pipeline/runtime";
import { Source, type SourceOptions } from "../reading/source.ts";
import { NOON } from "./world.ts";

/** A source that keeps nothing but batch's documents, on a clock that stands at noon. */
export function sourceOf(options: SourceOptions): Source {
  return new Source({ generationAge: 0, watermarkAge: 0, clock: new TestClock(NOON), ...options });
}
