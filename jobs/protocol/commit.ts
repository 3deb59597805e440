/**
 * What a commit says; see `commits.ts` for what makes it count.
 *
 * @module
 */

import type { Topic } from "@pipeline/core";

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

/** The last record before a horizon, by `topic-partition`; none for partitions without any. */
export type LastRecords = Readonly<Record<string, LastRecord>>;

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
