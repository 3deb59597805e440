/**
 * The input of a batch run: a frozen list of committed files, by day, and the horizon that follows
 * from it.
 *
 * @module
 */

import { type OffsetVector, offsetVector, partitionName, PipelineError } from "@pipeline/core";
import type { MasterDataset, Topic } from "@pipeline/core";
import { CommitLog, type CommittedFile, type LastRecords, readFolder } from "@pipeline/protocol";
import type { StateManifest } from "./state.ts";

/** A committed file with the content of its path. */
export interface InputFile {
  /** The topic of its records. */
  readonly topic: Topic;
  /** The file in its commit. */
  readonly file: CommittedFile;
}

/** The input of a run. Later commits do not change it. */
export interface Plan {
  /** The first offsets beyond the input. */
  readonly horizon: OffsetVector;
  /** The records before the horizon. */
  readonly last: LastRecords;
  /** The historical loads in the input, in the order of names. */
  readonly history: readonly string[];
  /** Files that the base state has not folded, by start of the day. */
  readonly days: ReadonlyMap<number, readonly InputFile[]>;
}

/** The records of a plan. */
export function plannedRecords(plan: Plan): number {
  let records = 0;
  for (const files of plan.days.values()) for (const { file } of files) records += file.records;
  return records;
}

/**
 * Reads the commit log and plans a run.
 *
 * @param partitions partitions of each topic.
 * @param base the state to build upon; everything is planned without one.
 * @param until plan no further than this vector: for a recomputation of the past.
 */
export async function plan(
  dataset: MasterDataset,
  partitions: number,
  options: {
    readonly base?: Pick<StateManifest, "horizon" | "history" | "last"> | undefined;
    readonly until?: { readonly horizon: OffsetVector; readonly history: readonly string[] };
  } = {},
): Promise<Plan> {
  const { base, until } = options;
  const log = new CommitLog(dataset);
  const days = new Map<number, InputFile[]>();
  const take = (file: CommittedFile) => {
    const place = readFolder(file.path.slice(0, file.path.lastIndexOf("/")));
    if (place === undefined) {
      throw new PipelineError("corrupt", `A commit names a file in no hour: ${file.path}`);
    }
    const files = days.get(place.day);
    if (files === undefined) days.set(place.day, [{ topic: place.topic, file }]);
    else files.push({ topic: place.topic, file });
  };

  const history: string[] = [...base?.history ?? []];
  for (const load of await log.histories()) {
    if (history.includes(load.load) || until?.history.includes(load.load) === false) continue;
    history.push(load.load);
    load.files.forEach(take);
  }
  const ends = new Map<string, number>();
  const last = new Map(Object.entries(base?.last ?? {}));
  for (const { topic, partition } of await log.partitions()) {
    const limit = until?.horizon[topic][partition] ?? Infinity;
    const from = base?.horizon[topic][partition] ?? 0;
    const { commits } = await log.read(topic, partition, from);
    if (commits.length > 0 && commits[0]!.start !== from) {
      throw new PipelineError(
        "corrupt",
        `The commits of ${partitionName(topic, partition)} begin at ${commits[0]!.start} instead ` +
          `of ${from}`,
      );
    }
    for (const commit of commits) {
      if (commit.end > limit) break;
      commit.files.forEach(take);
      ends.set(partitionName(topic, partition), commit.end);
      if (commit.last !== null) last.set(partitionName(topic, partition), commit.last);
    }
  }
  const horizon = offsetVector(
    partitions,
    (topic, p) => ends.get(partitionName(topic, p)) ?? base?.horizon[topic][p] ?? 0,
  );
  return { horizon, last: Object.fromEntries(last), history: history.sort(), days };
}
