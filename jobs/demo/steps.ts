/**
 * Bars that show how far a job is.
 *
 * @module
 */

import { type Bar, type Progress, type RunningCommand, systemClock } from "@pipeline/runtime";
import type { BatchThread } from "./batch_thread.ts";

/** What is shown. */
export interface ShownSteps {
  /** Where. */
  readonly progress: Progress;
  /** The job, in whose name it says how much of each step is done, 0 to 1. */
  readonly job: string;
  /** What each step is called, in their order. */
  readonly steps: Readonly<Record<string, string>>;
}

/** Milliseconds between two looks. */
const INTERVAL = 50;

/**
 * Shows a bar for each step until the work has ended; then it rejects as the work did.
 *
 * @returns the last bar, which is not ended yet.
 */
export async function showSteps(
  { done, metrics }: BatchThread | RunningCommand,
  { progress, job, steps }: ShownSteps,
): Promise<Bar> {
  const labels = Object.entries(steps);
  let at = 0;
  let bar = progress.bar(labels[0]![1], 1);
  bar.update(0);
  const look = async () => {
    for (const [i, [step, label]] of labels.entries()) {
      const ratio = await metrics.read(`${job}_step_done_ratio`, { step });
      if (ratio === undefined || i < at) continue;
      if (i > at) {
        bar.end();
        bar = progress.bar(label, 1);
        at = i;
      }
      bar.update(ratio);
    }
  };
  let ended = false;
  const end = () => void (ended = true);
  const settled = done.then(end, end);
  while (!ended) {
    await look();
    await Promise.race([settled, systemClock.sleep(INTERVAL)]);
  }
  await done;
  await look();
  return bar;
}
