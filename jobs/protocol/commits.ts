/**
 * The commit log of the master dataset: which files exist, and up to which offset every partition
 * is complete. Readers trust nothing else.
 *
 * A commit is one small JSON file. Its rename into the log, which never overwrites, is the one
 * moment at which a flush comes into existence. Whatever the rename returned, the file at the
 * destination decides: it is ours only if it holds our token.
 *
 * Old commits are compacted into checkpoints; loose ones below a checkpoint are ignored.
 *
 * @module
 */

import {
  canonicalBytes,
  hasCode,
  type MasterDataset,
  partitionName,
  PipelineError,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import { inOrder } from "./ahead.ts";
import { type CheckpointRange, Checkpoints } from "./checkpoints.ts";
import type { Commit, HistoryCommit, PartitionCommits } from "./commit.ts";
import { publishOnce, readAll, writeOwn } from "./files.ts";
import { COMMITS, offsetName } from "./layout.ts";

/** Reads and writes the commit log. */
export class CommitLog {
  readonly #dataset: MasterDataset;

  /** Opens the commit log of a dataset. */
  constructor(dataset: MasterDataset) {
    this.#dataset = dataset;
  }

  /**
   * The commits of a partition from offset `from` on, in order.
   * Rejects with `corrupt` if they have a gap or overlap.
   */
  read(topic: Topic, partition: number, from = 0): Promise<PartitionCommits> {
    return rereadUntilStable(async () => {
      const { loose, chain } = await this.#look(topic, partition, from);
      const commits: Commit[] = [];
      for await (const compacted of this.#checkpoints(topic, partition).read(chain)) {
        for (const commit of compacted) {
          // Overlapping checkpoints hold the same commits.
          if (commit.start >= (commits.at(-1)?.end ?? from)) join(commits, commit);
        }
      }
      const folder = partitionFolder(topic, partition);
      const read = async (start: number) => ({
        start,
        commit: await this.#read<Commit>(`${folder}/${offsetName(start)}`),
      });
      for await (const { start, commit } of inOrder(loose, read)) {
        join(commits, commit, start);
      }
      return { next: commits.at(-1)?.end ?? from, commits };
    });
  }

  /** The last commit of a partition, if there is any. */
  last(topic: Topic, partition: number): Promise<Commit | undefined> {
    return rereadUntilStable(async () => {
      const { loose, chain } = await this.#look(topic, partition, 0);
      const start = loose.at(-1);
      if (start !== undefined) {
        return await this.#read<Commit>(
          `${partitionFolder(topic, partition)}/${offsetName(start)}`,
        );
      }
      const checkpoints = this.#checkpoints(topic, partition).read(chain.slice(-1));
      return (await checkpoints.next()).value?.at(-1);
    });
  }

  /**
   * Compacts the commits below `upTo` into a checkpoint, so that planning costs the same after a
   * year as after a day. An interrupted call can be repeated.
   *
   * @param least number of commits from which a checkpoint is worthwhile.
   */
  checkpoint(topic: Topic, partition: number, upTo: number, least = 16): Promise<void> {
    return rereadUntilStable(async () => {
      const { chain } = await this.#look(topic, partition, 0);
      const { commits } = await this.read(topic, partition, chain.at(-1)?.end ?? 0);
      const compacted = commits.filter((commit) => commit.end <= upTo);
      if (compacted.length < least) return;
      await this.#checkpoints(topic, partition).add(compacted);
      for (const start of await this.#starts(topic, partition)) {
        if (start >= compacted.at(-1)!.end) continue;
        await this.#dataset.remove(`${partitionFolder(topic, partition)}/${offsetName(start)}`);
      }
    });
  }

  /** The loose commits from `from` on, and the checkpoints that hold the earlier ones. */
  async #look(topic: Topic, partition: number, from: number): Promise<Look> {
    // In this order: commits that are compacted and removed in between are found in the checkpoint.
    const starts = await this.#starts(topic, partition);
    const chain = await this.#checkpoints(topic, partition).chain(from);
    const least = Math.max(from, chain.at(-1)?.end ?? 0);
    return { loose: starts.filter((start) => start >= least), chain };
  }

  async #starts(topic: Topic, partition: number): Promise<number[]> {
    const entries = await this.#dataset.list(partitionFolder(topic, partition));
    return entries.filter((entry) => entry.type === "file").map((file) => Number(file.name))
      .sort((a, b) => a - b);
  }

  #checkpoints(topic: Topic, partition: number): Checkpoints {
    return new Checkpoints(this.#dataset, topic, partition);
  }

  /** A historical load's commit, if it was committed. */
  async history(load: string): Promise<HistoryCommit | undefined> {
    const path = `${COMMITS}/history/${load}`;
    const status = await this.#dataset.status(path);
    return status === undefined ? undefined : await this.#read<HistoryCommit>(path);
  }

  /** All historical loads, in the order of names. */
  async histories(): Promise<HistoryCommit[]> {
    const files = await this.#dataset.list(`${COMMITS}/history`);
    return await Promise.all(
      files.map((file) => this.#read<HistoryCommit>(`${COMMITS}/history/${file.name}`)),
    );
  }

  /** Every partition of every topic that has commits. */
  async partitions(): Promise<{ topic: Topic; partition: number }[]> {
    const found: { topic: Topic; partition: number }[] = [];
    for (const topic of TOPICS) {
      for (const entry of await this.#dataset.list(`${COMMITS}/${topic}`)) {
        found.push({ topic, partition: Number(entry.name) });
      }
    }
    return found;
  }

  /**
   * Publishes a commit whose files are already at their final paths.
   *
   * @param temporary a path of the writer's own, to which the commit is written first.
   * @returns the commit that now holds that start: ours, or that of an earlier writer.
   */
  async publish(commit: Commit, temporary: string): Promise<Commit> {
    const { topic, partition, start } = commit;
    const path = `${partitionFolder(topic, partition)}/${offsetName(start)}`;
    const standing = await rereadUntilStable(() => this.#publish(commit, temporary, path));
    const { chain } = await this.#look(topic, partition, start);
    if (chain.length === 0) return standing;
    // A checkpoint decides. It may hold this very commit; a late commit that it does not hold found
    // its path free only because the commit there had been compacted.
    const { commits } = await this.read(topic, partition);
    const compacted = commits.find((other) => other.start <= start && start < other.end)!;
    if (compacted.token !== commit.token) await this.#dataset.remove(path);
    return compacted;
  }

  /** {@linkcode CommitLog.publish} for a historical load. */
  async publishHistory(commit: HistoryCommit, temporary: string): Promise<HistoryCommit> {
    return await this.#publish(commit, temporary, `${COMMITS}/history/${commit.load}`);
  }

  async #publish<T extends Commit | HistoryCommit>(
    commit: T,
    temporary: string,
    path: string,
  ): Promise<T> {
    await this.#dataset.mkdirs(path.slice(0, path.lastIndexOf("/")));
    const bytes = canonicalBytes(commit);
    // An interrupted attempt may have left a truncated file there.
    if ((await this.#dataset.status(temporary))?.length !== bytes.length) {
      await writeOwn(this.#dataset, temporary, bytes);
    }
    await publishOnce(this.#dataset, temporary, path);
    // A file that has vanished was compacted into a checkpoint: the read fails with `not_found`, and the caller rereads.
    return await this.#read<T>(path);
  }

  async #read<T>(path: string): Promise<T> {
    const bytes = await readAll(this.#dataset, path);
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as T;
    } catch (cause) {
      throw new PipelineError("corrupt", `The commit ${path} is not JSON`, { cause });
    }
  }
}

interface Look {
  /** Starts of commits that no checkpoint holds, ascending. */
  readonly loose: readonly number[];
  readonly chain: readonly CheckpointRange[];
}

/** Number of rereads before a reader reports a file as missing. */
const REREADS = 5;

/** Rereads if a file has vanished meanwhile: it was compacted into a checkpoint. */
async function rereadUntilStable<T>(read: () => Promise<T>): Promise<T> {
  for (let left = REREADS;; left--) {
    try {
      return await read();
    } catch (error) {
      if (left === 1 || !hasCode(error, "not_found")) throw error;
    }
  }
}

/** Appends a commit that must follow the previous one. */
function join(commits: Commit[], commit: Commit, start = commit.start): void {
  const expected = commits.at(-1)?.end ?? commit.start;
  if (commit.start === start && commit.start === expected && commit.end > commit.start) {
    commits.push(commit);
    return;
  }
  const name = partitionName(commit.topic, commit.partition);
  throw new PipelineError(
    "corrupt",
    `The commits of ${name} do not join: ${expected} is followed by ${commit.start}-${commit.end} ` +
      `in the file ${start}`,
  );
}

function partitionFolder(topic: Topic, partition: number): string {
  return `${COMMITS}/${topic}/${partition}`;
}
