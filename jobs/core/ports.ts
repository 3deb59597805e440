/**
 * The three ports: the log, the master dataset and the serving store. Every job is written against
 * these; every implementation passes one contract suite.
 *
 * All methods reject with {@linkcode PipelineError}. A call that rejects with
 * `unavailable` may or may not have had its effect.
 *
 * @module
 */

import type { Part, ViewDocument, ViewName } from "./documents.ts";
import type { WindowName } from "./time.ts";
import type { StoppedPartition } from "./unreadable.ts";

// --- The log ---------------------------------------------------------------

/** A record to append. */
export interface ProducerRecord {
  /** Must exist. */
  readonly topic: string;
  /** Selects the partition (see `partitionFor`), unless `partition` is set. */
  readonly key: string;
  /** UTF-8 JSON; `null` is a tombstone, which becomes a dead letter. */
  readonly value: Uint8Array | null;
  /** Overrides the choice by key. */
  readonly partition?: number;
}

/** Where the log put a record. */
export interface Acknowledgement {
  /** Topic of the record. */
  readonly topic: string;
  /** Selected by the key, or as given. */
  readonly partition: number;
  /** Offset of the record. */
  readonly offset: number;
}

/** A record as the log holds it. */
export interface LogRecord {
  /** Ascending in a partition; gaps are allowed. */
  readonly offset: number;
  /** Empty if the producer set none. */
  readonly key: string;
  /** The bytes as they were sent; `null` for a tombstone. */
  readonly value: Uint8Array | null;
  /** When the log appended it, by the log's clock; never decreases in a partition. */
  readonly timestamp: number;
}

/** Consecutive records of one partition. */
export interface LogBatch {
  /** Topic of all its records. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** The position at which the read began. */
  readonly startOffset: number;
  /** The position after the batch: beyond the last record if the log has gaps. */
  readonly nextOffset: number;
  /** With offsets in `[startOffset, nextOffset)`, ascending; may be empty. */
  readonly records: readonly LogRecord[];
}

/** The readable range of a partition: `earliest` inclusive, `end` exclusive. */
export interface LogRange {
  /** From 0. */
  readonly partition: number;
  /** Offset of the oldest retained record. */
  readonly earliest: number;
  /**
   * Offset of the next record; during transactions, the start of the oldest open one: consumers do
   * not read beyond it before it is decided.
   */
  readonly end: number;
}

/** Appends records. Delivery: acknowledged = durable, once each, in the order sent. */
export interface LogProducer {
  /**
   * Appends records and resolves when all are durable, with one acknowledgement per record, in
   * their order. Calls may overlap; they are carried out in order.
   */
  send(records: readonly ProducerRecord[]): Promise<Acknowledgement[]>;
  /** Waits for pending calls, then releases all resources. */
  close(): Promise<void>;
}

/** The options and handlers of a consumer. */
export interface Subscription {
  /** Consumers of one group share the partitions. */
  readonly group: string;
  /** Each partition of each topic is read by one consumer of the group. */
  readonly topics: readonly string[];
  /** Most records in a batch; 5,000 by default. */
  readonly maxRecords?: number;
  /** The position to read a partition from, called at every assignment. */
  start(topic: string, partition: number): Promise<number>;
  /**
   * Handles a batch. The next batch of that partition waits until it resolves (back-pressure). An
   * error that it throws ends the consumer.
   */
  batch(batch: LogBatch): Promise<void>;
  /** The partition has been revoked. */
  revoked?(topic: string, partition: number): Promise<void>;
}

/** A running subscription. */
export interface Consumer {
  /**
   * Stopped partitions, while the others continue. They are retried until they can be read. Absent
   * in logs that are either whole or refused.
   */
  readonly stopped?: readonly StoppedPartition[];
  /**
   * Resolves once stopped; rejects if no progress is possible (`offset_out_of_range`, or an error
   * that `batch` threw).
   */
  readonly done: Promise<void>;
  /** Lets the current batch finish, then ends. Resolves when nothing runs any more. */
  stop(): Promise<void>;
  /**
   * Stores in the log how far the group has processed a partition, for monitoring only: no reader
   * resumes from it. Only while the partition is assigned; a later mark replaces an earlier one.
   */
  mark(topic: string, partition: number, offset: number): Promise<void>;
}

/** The required shape of a topic. */
export interface TopicSpec {
  /** Name of the topic. */
  readonly topic: string;
  /** Exact number of partitions. */
  readonly partitions: number;
}

/** The log: topics of partitions of records with offsets. */
export interface EventLog {
  /**
   * Creates missing topics, and updates alterable settings of existing ones to the configured
   * values, unless `alter` is false. Rejects (`conflict`) if a topic has another shape.
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
  /**
   * The mark of a group in each partition of a topic, see {@linkcode Consumer.mark}; -1 if there is
   * none.
   */
  marks(group: string, topic: string): Promise<number[]>;
  /**
   * Reads `[from, to)` of one partition once, without a group.
   * Rejects with `offset_out_of_range` if a part of it is not in the log, and with
   * `UnreadableError` if a part of it cannot be read.
   */
  read(topic: string, partition: number, from: number, to: number): AsyncIterable<LogBatch>;
  /** Ends consumers and producers, then releases all resources. */
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
   * Creates a whole file, and missing parents. Durable once it resolves with the number of bytes
   * written. A failed write leaves no file, or a truncated one. Rejects with `exists` if the path
   * is taken.
   */
  write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<number>;
  /** Reads a file from its start. Rejects with `not_found`, or `corrupt` if bytes are missing. */
  read(path: string): AsyncIterable<Uint8Array>;
  /** `undefined` only if the path certainly does not exist. */
  status(path: string): Promise<FileStatus | undefined>;
  /**
   * Number of replicas of a file: that of its least replicated block, and 1 if the dataset does not
   * replicate. Not for empty files. Rejects with `not_found` if it is not a file.
   */
  copies(path: string): Promise<number>;
  /** Entries of a folder in the order of names; empty if it does not exist. */
  list(path: string): Promise<FileStatus[]>;
  /** Makes a folder and its parents. */
  mkdirs(path: string): Promise<void>;
  /**
   * Renames atomically and never overwrites. Rejects with `exists` if the destination is taken,
   * with `not_found` if the source, or the destination's parent, is missing.
   */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all its content. Removing a missing path is not an error. */
  remove(path: string): Promise<void>;
  /** Waits for pending calls, then releases all resources. */
  close(): Promise<void>;
}

// --- The serving store -----------------------------------------------------

/** A document as it is written: the store keeps the greatest version of an id. */
export interface StoredDocument {
  /** `documentId` of the body: it fixes part and key. */
  readonly id: string;
  /** External version: a write takes effect only if it is greater than the stored one. */
  readonly version: number;
  /** Replaces the whole stored document. */
  readonly body: ViewDocument;
}

/** Which documents of a view to find, and in which order. */
export interface ViewQuery {
  /** Only documents of this type; all types if absent, as with each filter. */
  readonly type?: ViewDocument["type"];
  /** Only documents with exactly this subreddit: a key is the `nameKey` of a name. */
  readonly subreddit?: string;
  /** Only documents with exactly this user: a key is the `nameKey` of a name. */
  readonly user_id?: string;
  /** Only windows of this size. */
  readonly window?: WindowName;
  /** Only documents of batch, or only those of speed. */
  readonly layer?: "batch" | "speed";
  /** Only documents of these parts; at least one. */
  readonly parts?: readonly Part[];
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
  /** In the requested order. */
  readonly documents: readonly StoredDocument[];
  /** False if a shard or a part of the store did not answer: documents may be missing. */
  readonly complete: boolean;
}

/** States up to where the documents of a part of speed are stored; kept beside them. */
export interface Watermark {
  /** A part of speed. */
  readonly part: Part;
  /** At least 1; a watermark takes effect only if its version is greater than the stored one. */
  readonly version: number;
  /** Any JSON value. */
  readonly body: unknown;
}

/**
 * What became of watermarks. `lost`: none was stored, since the store may have lost documents of
 * speed that it had acknowledged; all of them must be written again. `absent`: none was stored,
 * since the generation was created by a version without watermarks.
 */
export type WatermarkOutcome = "stored" | "lost" | "absent";

/** A small JSON document through which jobs coordinate. */
export interface ControlDocument {
  /** A path such as `generation/000042`. */
  readonly id: string;
  /** At least 1; grows with every write. */
  readonly version: number;
  /** Any JSON value. */
  readonly body: unknown;
}

/**
 * The store of view generations: for each view and generation one index of batch's documents and
 * one of speed's, and one alias per view.
 */
export interface ServingStore {
  /** Creates the empty indices of a generation; existing ones are left unchanged. */
  createGeneration(generation: number): Promise<void>;
  /**
   * Writes whole documents. Resolves when each one, or an equal or greater version, is stored.
   * Visible to `get` at once, to `search` within the store's refresh interval. Rejects with
   * `not_found` if the generation's index is missing: it is never recreated.
   */
  write(generation: number, view: ViewName, documents: readonly StoredDocument[]): Promise<void>;
  /**
   * Stores watermarks beside the documents of speed. Whoever finds one by `watermarks` then finds,
   * by `get` and `search`, all documents of every view whose write had resolved before this call.
   * The watermark follows within the store's refresh interval.
   */
  putWatermarks(generation: number, watermarks: readonly Watermark[]): Promise<WatermarkOutcome>;
  /**
   * The watermark of each part, in the order of parts: the least over the views, none for a part
   * that lacks it in one of them. Documents that the store loses take their watermarks along.
   *
   * @returns `undefined` if the generation has no place for watermarks, or is missing.
   */
  watermarks(generation: number): Promise<readonly Watermark[] | undefined>;
  /** Makes earlier writes to a generation visible to `search`. Resolves once they are. */
  refresh(generation: number): Promise<void>;
  /** Ends batch's bulk load: replicates, makes all of it searchable, and waits for both. */
  seal(generation: number): Promise<void>;
  /** Documents by id, in the order of ids, `undefined` if there is none. */
  get(
    generation: number,
    view: ViewName,
    ids: readonly string[],
  ): Promise<(StoredDocument | undefined)[]>;
  /** One page of a view's documents. Rejects with `not_found` if the index is missing. */
  search(generation: number, view: ViewName, query: ViewQuery): Promise<ViewPage>;
  /** Number of documents of a view. */
  count(generation: number, view: ViewName): Promise<number>;
  /** The generation that the aliases point to, if any. One answer for all views. */
  current(): Promise<number | undefined>;
  /**
   * Moves the aliases of all views from one generation to another in one step.
   * Rejects with `conflict` if they do not point to `from`: then nothing moved.
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
  /** Waits for pending calls, then releases all resources. */
  close(): Promise<void>;
}
