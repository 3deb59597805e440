/**
 * Progress bars of a job's steps.
 *
 * @module
 */

import { type Bar, type Progress, type RunningCommand, systemClock } from "@pipeline/runtime";
import type { BatchThread } from "./batch_thread.ts";

/** The steps to show. */
export interface ShownSteps {
  /** The progress display. */
  readonly progress: Progress;
  /** The job, whose metric `<job>_step_done_ratio` is the completed share of each step. */
  readonly job: string;
  /** The label of each step, in their order. */
  readonly steps: Readonly<Record<string, string>>;
}

/** Milliseconds between two readings of the metric. */
const INTERVAL = 50;

/**
 * Shows a bar for each step until the work has ended. Rejects as the work does.
 *
 * @returns the last bar, which the caller ends.
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
  const ended = new AbortController();
  const end = () => ended.abort();
  done.then(end, end);
  while (!ended.signal.aborted) {
    await look();
    await systemClock.sleep(INTERVAL, ended.signal).catch(() => {});
  }
  await done;
  await look();
  return bar;
}
