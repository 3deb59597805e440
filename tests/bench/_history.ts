/**
 * The generator's history as it lies on the wire: what most benchmarks read.
 *
 * @module
 */

import { recordBytes, type Topic, topicOf } from "@pipeline/core";
import { history } from "@pipeline/generator";

/** A record as a log or a file holds it. */
export interface Line {
  readonly topic: Topic;
  readonly bytes: Uint8Array;
}

/** The end of the history, always the same. */
export const HISTORY_END = Date.UTC(2026, 0, 8);

/** 7 days, 355,000 records where `scale` is 1. */
export function historyLines(scale = 1): Line[] {
  const lines: Line[] = [];
  for (const record of history({ seed: 1, end: HISTORY_END, scale })) {
    lines.push({ topic: topicOf(record), bytes: recordBytes(record) });
  }
  return lines;
}
