/**
 * The content of a commit; `commits.ts` defines what makes it effective.
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
  /** Topic of all its records. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
  /** The first offset; also names the commit's file. */
  readonly start: number;
  /** The first offset of the next commit. */
  readonly end: number;
  /** One per hour of event time; none if all records are dead letters. */
  readonly files: readonly CommittedFile[];
  /** Records in the files. */
  readonly records: number;
  /** Offsets of the records that became dead letters. */
  readonly dead_letters: readonly number[];
  /** The last record of the range; a recreated log is recognised by it. */
  readonly last: LastRecord | null;
  /** Identifies the writer. */
  readonly token: string;
}

/** A record's offset in the log and the hash of its key and value. */
export interface LastRecord {
  /** The record's offset. */
  readonly offset: number;
  /** See `recordHash`; 16 hexadecimal digits. */
  readonly hash: string;
}

/** The last record before a horizon, by `topic-partition`; absent for empty partitions. */
export type LastRecords = Readonly<Record<string, LastRecord>>;

/** A historical load that was committed as a whole. */
export interface HistoryCommit {
  /** Name of the load, from its content; also names the commit's file. */
  readonly load: string;
  /** All files of the load. */
  readonly files: readonly CommittedFile[];
  /** Records in the files. */
  readonly records: number;
  /** Identifies the writer. */
  readonly token: string;
}

/** All commits of one partition. */
export interface PartitionCommits {
  /** The first offset that is not in the dataset. */
  readonly next: number;
  /** In the order of offsets; each starts where the previous one ends. */
  readonly commits: readonly Commit[];
}
