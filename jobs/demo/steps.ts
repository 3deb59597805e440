/**
 * Bars that show how far a job is.
 *
 * @module
 */

import { type Bar, type Metrics, type Progress, systemClock } from "@pipeline/runtime";

/** What runs. */
export interface Steps {
  /** Settles when it has ended. */
  readonly done: Promise<unknown>;
  /** Has the gauge that says how much of each step is done, 0 to 1. */
  readonly metrics: Pick<Metrics, "read">;
}

/** How it is shown. */
export interface ShownSteps {
  /** Where. */
  readonly progress: Progress;
  /** Name of the gauge. */
  readonly gauge: string;
  /** What each step is called, in their order. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Milliseconds between two looks. */
const INTERVAL = 50;

/**
 * Shows a bar for each step until the work has ended; then it rejects as the work did.
 *
 * @returns the last bar, which is not ended yet.
 */
export async function showSteps(
  { done, metrics }: Steps,
  { progress, gauge, labels }: ShownSteps,
): Promise<Bar> {
  const steps = Object.entries(labels);
  let at = 0;
  let bar = progress.bar(steps[0]![1], 1);
  bar.update(0);
  const look = async () => {
    for (const [i, [step, label]] of steps.entries()) {
      const ratio = await metrics.read(gauge, { step });
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
