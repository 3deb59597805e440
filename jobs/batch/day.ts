/**
 * Folds one day: the unit of batch's work, and of its parallelism. Days share no window and no
 * announcement, so they can be folded anywhere in any order.
 *
 * @module
 */

import { type MasterDataset, type ViewSettings, ViewState } from "@pipeline/core";
import { checkLines, inOrder, readCommitted } from "@pipeline/protocol";
import type { InputFile } from "./plan.ts";
import { type DayState, restoreDay, writeDay } from "./state.ts";

/** One day's work. Plain data: it is posted to workers unchanged. */
export interface DayTask {
  /** Start of the day, milliseconds since 1970. */
  readonly day: number;
  /** The files to fold. */
  readonly files: readonly InputFile[];
  /** The stored state to continue from. */
  readonly base?: DayState;
  /** Folder below `/data/_state` for the new state. */
  readonly folder: string;
  /** The settings of the views. */
  readonly settings: ViewSettings;
}

/** Folds files into a state. Rejects with `corrupt` if a file differs from its commit. */
export async function foldFiles(
  dataset: MasterDataset,
  state: ViewState,
  files: readonly InputFile[],
): Promise<void> {
  const read = async ({ topic, file }: InputFile) => ({
    topic,
    file,
    lines: await readCommitted(dataset, file),
  });
  for await (const { topic, file, lines } of inOrder(files, read)) {
    checkLines(file, state.addLines(topic, lines));
  }
}

/** Folds a day's new files onto its stored state and stores the result. */
export async function foldDay(dataset: MasterDataset, task: DayTask): Promise<DayState> {
  const { base, settings, files, folder, day } = task;
  const state = base === undefined
    ? new ViewState(settings)
    : await restoreDay(dataset, base, settings);
  await foldFiles(dataset, state, files);
  const records = state.counts.records + (base?.records ?? 0);
  return await writeDay(dataset, folder, day, state, records);
}
