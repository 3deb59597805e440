/**
 * How quickly history is made and encoded, against the fold that takes it up.
 *
 * @module
 */

import { DEFAULT_SETTINGS, RecordLines, ViewState } from "@pipeline/core";
import { history } from "@pipeline/generator";
import { type Figure, inTurns, rate, ratio } from "./_figure.ts";
import { HISTORY_END, historyLines } from "./_history.ts";

const SCALE = 0.5;

/** Runs the benchmark. */
export function generator(): Promise<Figure[]> {
  const lines = historyLines(SCALE);
  const times = inTurns({
    generate() {
      // By the megabyte, as a load is written.
      const made = new RecordLines();
      let bytes = 0;
      for (const record of history({ seed: 1, end: HISTORY_END, scale: SCALE })) {
        made.add(record);
        if (made.size < 2 ** 20) continue;
        bytes += made.size;
        made.clear();
      }
      return bytes + made.size;
    },
    fold() {
      const state = new ViewState(DEFAULT_SETTINGS);
      for (const { topic, bytes } of lines) state.addBytes(topic, bytes);
      return state;
    },
  }, 3);
  const faster = times.fold / times.generate;
  return Promise.resolve([{
    what: "generate and encode",
    value: rate(lines.length, times.generate),
    against: `${ratio(faster)} x the fold (${rate(lines.length, times.fold)})`,
    goal: "above 1",
    reached: faster > 1,
  }]);
}
