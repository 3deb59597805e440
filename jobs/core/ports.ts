/**
 * The three ports: the log, the master dataset and the serving store. Every job
 * is written against these; every implementation passes one conformance suite.
 *
 * All methods reject with {@linkcode PipelineError}. A call that rejects with
 * `unavailable` may or may not have had its effect.
 *
 * @module
 */

import type { ViewDocument, ViewName } from "./documents.ts";
import type { WindowName } from "./time.ts";
import type { StoppedPartition } from "./unreadable.ts";

// --- The log ---------------------------------------------------------------

/** A record to append. */
export interface ProducerRecord {
  /** Must exist. */
  readonly topic: string;
  /** Chooses the partition (see `partitionFor`) where `partition` does not. */
  readonly key: string;
  /** UTF-8 JSON; `null` is a tombstone, which ends as a dead letter. */
  readonly value: Uint8Array | null;
  /** Where it is given, the key chooses nothing. */
  readonly partition?: number;
}

/** Where the log put a record. */
export interface Acknowledgement {
  /** Of the record that was sent. */
  readonly topic: string;
  /** Chosen by the key, or as it was given. */
  readonly partition: number;
  /** The record's own. */
  readonly offset: number;
}

/** A record as the log holds it. */
export interface LogRecord {
  /** Ascending in a partition; gaps are allowed. */
  readonly offset: number;
  /** Empty where the producer gave none. */
  readonly key: string;
  /** The bytes as they were sent; `null` for a tombstone. */
  readonly value: Uint8Array | null;
  /** When the log appended it, by the log's clock; never decreases in a partition. */
  readonly timestamp: number;
}

/** Consecutive records of one partition. */
export interface LogBatch {
  /** Of all its records. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** The position that the batch was read from. */
  readonly startOffset: number;
  /** The position after the batch. Beyond the last record's where the log has gaps. */
  readonly nextOffset: number;
  /** With offsets in `[startOffset, nextOffset)`, ascending; may be empty. */
  readonly records: readonly LogRecord[];
}

/** The readable range of a partition: `earliest` inclusive, `end` exclusive. */
export interface LogRange {
  /** From 0. */
  readonly partition: number;
  /** Offset of the oldest record that is kept. */
  readonly earliest: number;
  /**
   * Offset that the next record gets; where transactions are under way, the offset at which the
   * oldest of them begins: nobody reads beyond it before it is decided.
   */
  readonly end: number;
}

/** Appends records. Delivery: acknowledged = durable, once each, in the order sent. */
export interface LogProducer {
  /**
   * Appends records and resolves when all are durable, with one acknowledgement a
   * record, in their order. Calls may overlap; they are carried out in order.
   */
  send(records: readonly ProducerRecord[]): Promise<Acknowledgement[]>;
  /** Waits for what is under way, then lets go. */
  close(): Promise<void>;
}

/** What a consumer wants and does. */
export interface Subscription {
  /** Consumers of one group share the partitions. */
  readonly group: string;
  /** Every partition of each is read by one consumer of the group. */
  readonly topics: readonly string[];
  /** Most records in a batch; 5,000 where not given. */
  readonly maxRecords?: number;
  /** The position to read a partition from, asked at every assignment. */
  start(topic: string, partition: number): Promise<number>;
  /**
   * Handles a batch. The next batch of that partition waits until it resolves
   * (back-pressure). What it throws ends the consumer.
   */
  batch(batch: LogBatch): Promise<void>;
  /** The partition is no longer ours. */
  revoked?(topic: string, partition: number): Promise<void>;
}

/** A running subscription. */
export interface Consumer {
  /**
   * Partitions that stand still while the others go on. They are tried again until they can be
   * read. Not given by logs that are either whole or refused.
   */
  readonly stopped?: readonly StoppedPartition[];
  /** Resolves once stopped; rejects where it can make no progress (`offset_out_of_range`, or what `batch` threw). */
  readonly done: Promise<void>;
  /** Lets the batch under way finish, then ends. Resolves when nothing runs any more. */
  stop(): Promise<void>;
  /**
   * Keeps with the log how far the group is done with a partition, for whoever watches it: nobody
   * reads on from there. Only while the partition is ours; a later mark replaces an earlier one.
   */
  mark(topic: string, partition: number, offset: number): Promise<void>;
}

/** A topic as it must be. */
export interface TopicSpec {
  /** Name of the topic. */
  readonly topic: string;
  /** Exactly so many. */
  readonly partitions: number;
}

/** The log: topics of partitions of records with offsets. */
export interface EventLog {
  /**
   * Creates topics that are missing, and brings settings of the others that may be altered to what
   * is configured, unless `alter` is false. Rejects (`conflict`) where one has another shape.
   */
  ensureTopics(
    specs: readonly TopicSpec[],
    options?: { readonly alter?: boolean },
  ): Promise<void>;
  /** The readable range of every partition. Rejects with `not_found` for an unknown topic. */
  ranges(topic: string): Promise<LogRange[]>;
  /** Opens a producer; its caller closes it. */
  producer(): Promise<LogProducer>;
  /** Starts a consumer; see {@linkcode Subscription}. */
  subscribe(subscription: Subscription): Promise<Consumer>;
  /** What was marked of each partition of a topic by a group, see {@linkcode Consumer.mark}; -1 where nothing was. */
  marks(group: string, topic: string): Promise<number[]>;
  /**
   * Reads `[from, to)` of one partition once, without a group.
   * Rejects with `offset_out_of_range` where a part of it is not in the log, and with
   * `UnreadableError` where a part of it cannot be read.
   */
  read(topic: string, partition: number, from: number, to: number): AsyncIterable<LogBatch>;
  /** Ends consumers and producers, then lets go. */
  close(): Promise<void>;
}

// --- The master dataset ----------------------------------------------------

/** One entry of a folder. */
export interface FileStatus {
  /** Last part of the path. */
  readonly name: string;
  /** Whether it holds bytes or entries. */
  readonly type: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly length: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/**
 * Files as HDFS has them: written once, renamed atomically, never appended.
 * Paths are absolute, `/`-separated, relative to the dataset's own root.
 */
export interface MasterDataset {
  /**
   * Creates a file whole; missing parents are made. Durable when it resolves with
   * the bytes written. A failed write leaves no file, or a part of one.
   * Rejects with `exists` where the path is taken.
   */
  write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<number>;
  /** Reads a file from its start. Rejects with `not_found`, or `corrupt` where bytes are missing. */
  read(path: string): AsyncIterable<Uint8Array>;
  /** `undefined` only where it certainly does not exist. */
  status(path: string): Promise<FileStatus | undefined>;
  /**
   * Copies that there are of a file: of the part of it that has fewest, and 1 where nothing is
   * copied. Not for empty files. Rejects with `not_found` where it is no file.
   */
  copies(path: string): Promise<number>;
  /** Entries of a folder in the order of names; none where it does not exist. */
  list(path: string): Promise<FileStatus[]>;
  /** Makes a folder and its parents. */
  mkdirs(path: string): Promise<void>;
  /**
   * Renames atomically and never overwrites. Rejects with `exists` where the
   * destination is taken, with `not_found` where the source, or the
   * destination's parent, is missing.
   */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it. Removing nothing is no error. */
  remove(path: string): Promise<void>;
  /** Waits for what is under way, then lets go. */
  close(): Promise<void>;
}

// --- The serving store -----------------------------------------------------

/** A document as it is written: the store keeps the greatest version of an id. */
export interface StoredDocument {
  /** `documentId` of the body: it fixes part and key. */
  readonly id: string;
  /** External version: a write takes effect only where it is greater than the stored one. */
  readonly version: number;
  /** Replaces the stored one whole. */
  readonly body: ViewDocument;
}

/** Which documents of a view to find, and in which order. */
export interface ViewQuery {
  /** Only documents of this type; of all types where it is not given, as with each filter. */
  readonly type?: ViewDocument["type"];
  /** Only documents with exactly this subreddit: a key is the `nameKey` of a name. */
  readonly subreddit?: string;
  /** Only documents with exactly this user: a key is the `nameKey` of a name. */
  readonly user_id?: string;
  /** Only windows of this size. */
  readonly window?: WindowName;
  /** Only documents of batch, or only those of speed. */
  readonly layer?: "batch" | "speed";
  /** `window_start` range: inclusive, exclusive. */
  readonly from?: number;
  /** Exclusive end of `window_start`. */
  readonly to?: number;
  /**
   * `id`: ascending; `rank`: score, created_utc, post_id, all descending (then id); `window`:
   * `window_start` ascending, then id; `latest`: `window_start` descending, then id.
   */
  readonly order: "id" | "rank" | "window" | "latest";
  /** Continue after this document of the same view, in the same order. */
  readonly after?: StoredDocument;
  /** At most 10,000. */
  readonly limit: number;
}

/** A page of documents. */
export interface ViewPage {
  /** In the order that was asked for. */
  readonly documents: readonly StoredDocument[];
  /** False where a shard or a part of the store did not answer: documents may be missing. */
  readonly complete: boolean;
}

/** A small JSON document by which jobs coordinate. */
export interface ControlDocument {
  /** A path such as `generation/000042`. */
  readonly id: string;
  /** At least 1; grows with every write. */
  readonly version: number;
  /** Any JSON value. */
  readonly body: unknown;
}

/** The store of view generations: one index a view and generation, one alias a view. */
export interface ServingStore {
  /** Creates the empty indices of a generation; those that exist stay as they are. */
  createGeneration(generation: number): Promise<void>;
  /**
   * Writes whole documents. Resolves when each is stored or an equal or greater
   * version is. Visible to `get` at once, to `search` within the store's refresh interval.
   * Rejects with `not_found` where the generation's index is missing: it is never made anew.
   */
  write(generation: number, view: ViewName, documents: readonly StoredDocument[]): Promise<void>;
  /** Makes visible to `search` what was written to a generation before. Resolves once it is. */
  refresh(generation: number): Promise<void>;
  /** Ends batch's bulk load: replicates, makes all of it searchable, and waits for both. */
  seal(generation: number): Promise<void>;
  /** Documents by id, in the order of ids, `undefined` where there is none. */
  get(
    generation: number,
    view: ViewName,
    ids: readonly string[],
  ): Promise<(StoredDocument | undefined)[]>;
  /** One page of a view's documents. Rejects with `not_found` where the index is missing. */
  search(generation: number, view: ViewName, query: ViewQuery): Promise<ViewPage>;
  /** Number of documents of a view. */
  count(generation: number, view: ViewName): Promise<number>;
  /** The generation that the aliases name, if any. One answer for all views. */
  current(): Promise<number | undefined>;
  /**
   * Moves the aliases of all views from one generation to another in one step.
   * Rejects with `conflict` where they do not name `from`: then nothing moved.
   */
  switchTo(generation: number, from: number | undefined): Promise<void>;
  /** All generations that have an index, ascending. */
  generations(): Promise<number[]>;
  /** Removes a generation's indices. Rejects with `conflict` for the current one. */
  dropGeneration(generation: number): Promise<void>;
  /** Reads a control document. */
  control(id: string): Promise<ControlDocument | undefined>;
  /** Control documents whose id starts with the prefix, in the order of ids. */
  controls(prefix: string): Promise<ControlDocument[]>;
  /**
   * Writes a control document with the next version if its version is `expected`
   * (0 = there is none), else rejects with `conflict`. Returns the new version.
   */
  putControl(id: string, body: unknown, expected: number): Promise<number>;
  /** Writes control documents under external versions, as `write` does. */
  putControls(documents: readonly ControlDocument[]): Promise<void>;
  /** Removes control documents; removing nothing is no error. */
  removeControls(ids: readonly string[]): Promise<void>;
  /** Waits for what is under way, then lets go. */
  close(): Promise<void>;
}
