/**
 * The commit log of the master dataset: which files exist, and up to which offset
 * every partition is complete. Readers trust nothing else.
 *
 * A commit is one small JSON file. Its rename into the log, which never overwrites,
 * is the one moment at which a flush exists. Whatever the rename answered, the file
 * at the destination decides: it is ours only if it holds our token.
 *
 * Old commits are gathered into checkpoints; loose ones below a checkpoint are ignored.
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
import { newToken, readAll, writeOwn } from "./files.ts";
import { COMMITS, offsetName, TEMPORARY } from "./layout.ts";

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
  read(topic: Topic, partition: number, from = 0): Promise<PartitionCommits> {
    return settled(async () => {
      const { loose, chain } = await this.#look(topic, partition, from);
      const commits: Commit[] = [];
      for (const checkpoint of await this.#open(topic, partition, chain)) {
        for (const commit of checkpoint) if (commit.start >= from) join(commits, commit);
      }
      const folder = partitionFolder(topic, partition);
      const read = async (start: number) => ({
        start,
        commit: await this.#read<Commit>(`${folder}/${offsetName(start)}`),
      });
      for await (const { start, commit } of inOrder(loose.filter((s) => s >= from), read)) {
        join(commits, commit, start);
      }
      return { next: commits.at(-1)?.end ?? from, commits };
    });
  }

  /** The last commit of a partition, if there is any. */
  last(topic: Topic, partition: number): Promise<Commit | undefined> {
    return settled(async () => {
      const { loose, chain } = await this.#look(topic, partition, 0);
      const start = loose.at(-1);
      if (start !== undefined) {
        return await this.#read<Commit>(
          `${partitionFolder(topic, partition)}/${offsetName(start)}`,
        );
      }
      const [commits] = await this.#open(topic, partition, chain.slice(-1));
      return commits?.at(-1);
    });
  }

  /**
   * Gathers the commits below `upTo` into a checkpoint, so that planning costs the same after
   * a year as after a day. A checkpoint takes in those before it that are not larger: their
   * number grows with the logarithm of the commits. What breaks off here can be done again.
   *
   * @param least commits that make it worth the while.
   */
  async checkpoint(topic: Topic, partition: number, upTo: number, least = 16): Promise<void> {
    const { chain } = await this.#look(topic, partition, 0);
    const done = chain.at(-1)?.end ?? 0;
    const { commits } = await this.read(topic, partition, done);
    let gathered = commits.filter((commit) => commit.end <= upTo);
    if (gathered.length < least) return;
    const end = gathered.at(-1)!.end;
    for (const before of [...chain].reverse()) {
      const [absorbed] = await this.#open(topic, partition, [before]);
      if (absorbed!.length > gathered.length) break;
      gathered = [...absorbed!, ...gathered];
    }
    const start = gathered[0]!.start;
    const folder = checkpointFolder(topic, partition);
    const token = newToken();
    const temporary = `${TEMPORARY}/${token}/checkpoint`;
    await writeOwn(this.#dataset, temporary, canonicalBytes(gathered));
    await this.#dataset.mkdirs(folder);
    try {
      await this.#dataset.rename(temporary, `${folder}/${rangeName({ start, end })}`);
    } catch (error) {
      // The same range holds the same commits, whoever gathered them.
      if (!hasCode(error, "exists")) throw error;
    }
    await this.#dataset.remove(`${TEMPORARY}/${token}`);
    await this.#removeGathered(topic, partition, { start, end });
  }

  /** Removes what a checkpoint holds. Readers that looked before are told to look again. */
  async #removeGathered(topic: Topic, partition: number, range: Range): Promise<void> {
    const folder = checkpointFolder(topic, partition);
    for (const other of await this.#checkpoints(topic, partition)) {
      const same = other.start === range.start && other.end === range.end;
      if (same || other.start < range.start || other.end > range.end) continue;
      await this.#dataset.remove(`${folder}/${rangeName(other)}`);
    }
    for (const start of await this.#starts(topic, partition)) {
      if (start >= range.end) continue;
      await this.#dataset.remove(`${partitionFolder(topic, partition)}/${offsetName(start)}`);
    }
  }

  /** Commits that lie loose, and the checkpoints that hold what is before them, from `from` on. */
  async #look(
    topic: Topic,
    partition: number,
    from: number,
  ): Promise<{ loose: number[]; chain: Range[] }> {
    // In this order: what is gathered and removed in between is seen in the checkpoint.
    const starts = await this.#starts(topic, partition);
    const checkpoints = await this.#checkpoints(topic, partition);
    const chain: Range[] = [];
    const top = checkpoints.reduce((end, checkpoint) => Math.max(end, checkpoint.end), 0);
    for (let end = top; end > from;) {
      const ending = checkpoints.filter((checkpoint) => checkpoint.end === end);
      const [widest] = ending.sort((a, b) => a.start - b.start);
      if (widest === undefined) {
        throw new PipelineError(
          "corrupt",
          `The checkpoint of ${partitionName(topic, partition)} that ends at ${end} is missing`,
        );
      }
      chain.unshift(widest);
      end = widest.start;
    }
    return { loose: starts.filter((start) => start >= top), chain };
  }

  async #starts(topic: Topic, partition: number): Promise<number[]> {
    const entries = await this.#dataset.list(partitionFolder(topic, partition));
    return entries.filter((entry) => entry.type === "file").map((file) => Number(file.name))
      .sort((a, b) => a - b);
  }

  async #checkpoints(topic: Topic, partition: number): Promise<Range[]> {
    const entries = await this.#dataset.list(checkpointFolder(topic, partition));
    return entries.map(({ name }) => {
      const [start, end] = name.split("-").map(Number);
      return { start: start!, end: end! };
    });
  }

  #open(topic: Topic, partition: number, ranges: readonly Range[]): Promise<Commit[][]> {
    const folder = checkpointFolder(topic, partition);
    return Promise.all(
      ranges.map((range) => this.#read<Commit[]>(`${folder}/${rangeName(range)}`)),
    );
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
    const { topic, partition, start } = commit;
    const path = `${partitionFolder(topic, partition)}/${offsetName(start)}`;
    const standing = await settled(() => this.#publish(commit, temporary, path));
    const { chain } = await this.#look(topic, partition, start);
    if (chain.length === 0) return standing;
    // A checkpoint says what stands there. It may hold this very commit; a late one it does
    // not hold came to a place that was empty only because the commit there was gathered.
    const { commits } = await this.read(topic, partition);
    const gathered = commits.find((other) => other.start <= start && start < other.end)!;
    if (gathered.token !== commit.token) await this.#dataset.remove(path);
    return gathered;
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

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Times that a reader looks again before it believes that a file is missing. */
const LOOKS = 5;

/** Looks again where a file went away meanwhile: it was gathered into a checkpoint. */
async function settled<T>(look: () => Promise<T>): Promise<T> {
  for (let left = LOOKS;; left--) {
    try {
      return await look();
    } catch (error) {
      if (left === 1 || !hasCode(error, "not_found")) throw error;
    }
  }
}

/** Appends a commit that must follow the one before it. */
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

function rangeName({ start, end }: Range): string {
  return `${offsetName(start)}-${offsetName(end)}`;
}

function checkpointFolder(topic: Topic, partition: number): string {
  return `${COMMITS}/checkpoints/${topic}/${partition}`;
}

function partitionFolder(topic: Topic, partition: number): string {
  return `${COMMITS}/${topic}/${partition}`;
}
