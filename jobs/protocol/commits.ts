/**
 * The commit log of the master dataset: which files exist, and up to which offset
 * every partition is complete. Readers trust nothing else.
 *
 * A commit is one small JSON file. Its rename into the log, which never overwrites,
 * is the one moment at which a flush exists. Whatever the rename answered, the file
 * at the destination decides: it is ours only if it holds our token.
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
import { readAll, writeOwn } from "./files.ts";
import { COMMITS, offsetName } from "./layout.ts";

/** One file of a commit. */
export interface CommittedFile {
  /** Below `/data`, e.g. `posts/year=2026/.../data_0_00000000000000000000-....json`. */
  readonly path: string;
  /** Lines of the file. */
  readonly records: number;
  /** Length of the file. */
  readonly bytes: number;
  /** xxHash64 of the bytes, 16 hexadecimal digits. */
  readonly hash: string;
}

/** A flush of one partition: its offsets from `start` (inclusive) to `end` (exclusive). */
export interface Commit {
  /** Of all its records. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
  /** The first offset; also names the commit's file. */
  readonly start: number;
  /** The offset that the next commit starts at. */
  readonly end: number;
  /** One an hour of event time; none where all records are dead letters. */
  readonly files: readonly CommittedFile[];
  /** Records in the files. */
  readonly records: number;
  /** Offsets whose records went to the dead letters. */
  readonly dead_letters: readonly number[];
  /** The last record of the range, by which a log that was made anew is told. */
  readonly last: LastRecord | null;
  /** Names the writer. */
  readonly token: string;
}

/** A record as the log had it: its offset and the hash of key and value. */
export interface LastRecord {
  /** The record's offset. */
  readonly offset: number;
  /** See `recordHash`; 16 hexadecimal digits. */
  readonly hash: string;
}

/** A historical load that was committed as a whole. */
export interface HistoryCommit {
  /** Name of the load, from its content; also names the commit's file. */
  readonly load: string;
  /** All that the load brought. */
  readonly files: readonly CommittedFile[];
  /** Records in the files. */
  readonly records: number;
  /** Names the writer. */
  readonly token: string;
}

/** Everything that was committed for one partition. */
export interface PartitionCommits {
  /** The first offset that is not in the dataset. */
  readonly next: number;
  /** In the order of offsets; each starts where the one before ends. */
  readonly commits: readonly Commit[];
}

/** Reads and writes the commit log. */
export class CommitLog {
  readonly #dataset: MasterDataset;

  /** The commit log of a dataset. */
  constructor(dataset: MasterDataset) {
    this.#dataset = dataset;
  }

  /**
   * The commits of a partition from offset `from` on, in order.
   * Rejects with `corrupt` where they leave a gap or overlap.
   */
  async read(topic: Topic, partition: number, from = 0): Promise<PartitionCommits> {
    const folder = partitionFolder(topic, partition);
    const names = (await this.#dataset.list(folder)).filter((f) => f.type === "file");
    const starts = names.map((file) => Number(file.name)).sort((a, b) => a - b);
    const commits: Commit[] = [];
    const read = async (start: number) => ({
      start,
      commit: await this.#read<Commit>(`${folder}/${offsetName(start)}`),
    });
    for await (const { start, commit } of inOrder(starts.filter((s) => s >= from), read)) {
      const expected = commits.at(-1)?.end ?? commit.start;
      if (commit.start !== start || commit.start !== expected || commit.end <= commit.start) {
        throw new PipelineError(
          "corrupt",
          `The commits of ${
            partitionName(topic, partition)
          } do not join: ${expected} is followed ` +
            `by ${commit.start}-${commit.end} in the file ${start}`,
        );
      }
      commits.push(commit);
    }
    return { next: commits.at(-1)?.end ?? from, commits };
  }

  /** The last commit of a partition, if there is any. */
  async last(topic: Topic, partition: number): Promise<Commit | undefined> {
    const folder = partitionFolder(topic, partition);
    const names = (await this.#dataset.list(folder)).map((file) => file.name).sort();
    const name = names.at(-1);
    return name === undefined ? undefined : await this.#read<Commit>(`${folder}/${name}`);
  }

  /** Whether a historical load was committed, and what it holds. */
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
   * Publishes a commit whose files lie at their places already.
   *
   * @param temporary a path of the writer's own, where the commit is written first.
   * @returns the commit that now stands at that start: ours, or that of whoever was first.
   */
  async publish(commit: Commit, temporary: string): Promise<Commit> {
    const path = `${partitionFolder(commit.topic, commit.partition)}/${offsetName(commit.start)}`;
    return await this.#publish(commit, temporary, path);
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
    // What stands there may be half of it, from a try that broke off.
    if ((await this.#dataset.status(temporary))?.length !== bytes.length) {
      await writeOwn(this.#dataset, temporary, bytes);
    }
    try {
      await this.#dataset.rename(temporary, path);
    } catch (error) {
      // A lost answer proves nothing, and neither does `not_found`: an earlier try
      // may have moved the file. Only what stands at the destination counts.
      const known = hasCode(error, "exists") || hasCode(error, "not_found");
      if (!known && !hasCode(error, "unavailable")) throw error;
      if (await this.#dataset.status(path) === undefined) throw error;
    }
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

function partitionFolder(topic: Topic, partition: number): string {
  return `${COMMITS}/${topic}/${partition}`;
}
