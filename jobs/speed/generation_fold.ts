/**
 * One generation's speed layer: a deterministic fold of the log from the horizon.
 *
 * There is no checkpoint. A start is a seek to the horizon; a document is a function of one
 * partition's prefix, and its version is the prefix's end. So a redelivery, a second owner or a
 * zombie writes the same documents, and the store keeps the newest.
 *
 * @module
 */

import {
  canonicalJson,
  type Consumer,
  documentId,
  type EventLog,
  type LogBatch,
  partitionName,
  PipelineError,
  RecordError,
  type ServingStore,
  type StoppedPartition,
  type StoredDocument,
  type Topic,
  type TopicPartition,
  TOPICS,
  type ViewName,
  viewOf,
  VIEWS,
  ViewState,
} from "@pipeline/core";
import {
  checkContinuation,
  continueFrom,
  type Folded,
  type Manifest,
  readPartitionFolded,
  writeFolded,
  writeStopped,
} from "@pipeline/protocol";
import { type Clock, Lifetime, systemClock } from "@pipeline/runtime";
import type { SpeedSettings } from "./config.ts";

/** The dependencies and settings of a fold. */
export interface GenerationFoldOptions {
  /** The source of records. */
  readonly log: EventLog;
  /** The destination of documents. */
  readonly store: ServingStore;
  /** The generation that is folded. */
  readonly manifest: Manifest;
  /** How often and how much to write. */
  readonly settings: Omit<SpeedSettings, "pollInterval">;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** Called after each flush. */
  readonly onFlush?: (flush: FlushReport) => void;
}

/** Report on one flush. */
export interface FlushReport {
  /** The generation that was written. */
  readonly generation: number;
  /** Records folded since the previous flush. */
  readonly records: number;
  /** Milliseconds from collecting the changes until all of them were visible. */
  readonly took: number;
  /** Append time of the oldest newly visible record, by partition. */
  readonly oldest: readonly (TopicPartition & { readonly appended: number })[];
  /** Documents that were written. */
  readonly documents: Readonly<Record<ViewName, number>>;
  /** Folded offsets of the partitions that had changes. */
  readonly folded: readonly Folded[];
}

class PartitionFold {
  readonly state: ViewState;
  deadLetters = 0;
  /** Append time of the oldest unflushed record, replayed records that an earlier run had published left out. */
  oldest: number | undefined;
  /** Last offset that was written to the store; -1 before the first flush. */
  written = -1;
  constructor(
    readonly topic: Topic,
    readonly partition: number,
    public next: number,
    /** Offset up to which an earlier run had published: replaying below it adds no visible latency. */
    readonly known: number,
    manifest: Manifest,
  ) {
    this.state = new ViewState(manifest.settings, {
      retained: manifest.retained_from,
      track: true,
    });
  }

  folded(): Folded {
    const { records, duplicates, retired, unresolved } = this.state.counts;
    return {
      topic: this.topic,
      partition: this.partition,
      next_offset: this.next,
      records,
      dead_letters: this.deadLetters,
      duplicates,
      retired,
      unresolved,
      keys: this.state.keys,
    };
  }
}

/** A fold of the log into one generation. */
export class GenerationFold {
  readonly #o: GenerationFoldOptions;
  readonly #clock: Clock;
  readonly #partitions = new Map<string, PartitionFold>();
  readonly #life = new Lifetime();
  /** Batches may arrive, and be flushed, before `subscribe` has returned. */
  #consumer: Consumer | undefined;
  #timer: Promise<void> = Promise.resolve();
  #flushing: Promise<void> = Promise.resolve();
  #unflushed = 0;
  /** Stopped partitions, as last written to the store. */
  #told: readonly StoppedPartition[] = [];

  private constructor(options: GenerationFoldOptions) {
    this.#o = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Rejects if the fold can make no progress; resolves when it is stopped. */
  get done(): Promise<void> {
    return this.#life.done;
  }

  /** Starts folding from the generation's horizon. */
  static async start(options: GenerationFoldOptions): Promise<GenerationFold> {
    const fold = new GenerationFold(options);
    const { manifest, log } = options;
    const consumer = fold.#consumer = await log.subscribe({
      group: `speed-${manifest.generation}`,
      topics: TOPICS,
      start: (topic, partition) => fold.#assign(topic as Topic, partition),
      batch: (batch) => fold.#batch(batch),
      revoked: (topic, partition) => {
        fold.#partitions.delete(partitionName(topic, partition));
        return Promise.resolve();
      },
    });
    fold.#life.follow(consumer.done);
    fold.#timer = fold.#flushByTime().catch(fold.#life.fail);
    return fold;
  }

  /** The generation that is folded. */
  get generation(): number {
    return this.#o.manifest.generation;
  }

  /** Folded offset of each assigned partition, flushed or not. */
  folded(): Folded[] {
    return [...this.#partitions.values()].map((partition) => partition.folded());
  }

  /** The stopped partitions. */
  stopped(): readonly StoppedPartition[] {
    return this.#consumer?.stopped ?? [];
  }

  /** Stops; folded records are flushed first unless `discard` is set. */
  async stop(options: { readonly discard?: boolean } = {}): Promise<void> {
    await this.#consumer?.stop();
    if (options.discard !== true) await this.flush();
    this.#life.end();
    await this.#timer;
  }

  /** Writes the changes since the last flush. Flushes are serialised. */
  flush(): Promise<void> {
    return this.#flushing = this.#flushing.then(() => this.#write());
  }

  async #assign(topic: Topic, partition: number): Promise<number> {
    const { log, store, manifest } = this.#o;
    const start = manifest.horizon[topic][partition];
    if (start === undefined) {
      throw new PipelineError(
        "conflict",
        `Generation ${manifest.generation} has no horizon for ${
          partitionName(topic, partition)
        }: ` +
          `the number of partitions changed, which needs a full generation`,
      );
    }
    const last = manifest.last?.[partitionName(topic, partition)] ?? null;
    await checkContinuation(log, topic, partition, start, last);
    const before = await readPartitionFolded(store, manifest.generation, topic, partition);
    const known = before?.next_offset ?? start;
    const fold = new PartitionFold(topic, partition, start, known, manifest);
    this.#partitions.set(partitionName(topic, partition), fold);
    return start;
  }

  async #batch(delivered: LogBatch): Promise<void> {
    const fold = this.#partitions.get(partitionName(delivered.topic, delivered.partition));
    if (fold === undefined) return;
    const batch = continueFrom(delivered, fold.next);
    if (batch === undefined) return;
    fold.oldest ??= batch.records.find(({ offset }) => offset >= fold.known)?.timestamp;
    for (const record of batch.records) {
      try {
        fold.state.admit(fold.topic, record);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        fold.deadLetters++;
      }
    }
    fold.next = batch.nextOffset;
    this.#unflushed += batch.records.length;
    if (this.#unflushed >= this.#o.settings.maxUnflushed) await this.flush();
  }

  async #flushByTime(): Promise<void> {
    const signal = this.#life.signal;
    while (!signal.aborted) {
      // The first flush runs at once: it reports every partition as folded.
      await this.flush();
      try {
        await this.#clock.sleep(this.#o.settings.flushInterval, signal);
      } catch {
        return;
      }
    }
  }

  async #write(): Promise<void> {
    await this.#writeChanged();
    await this.#writeStopped();
  }

  /** Answers are marked partial while a partition is stopped, and batch does not wait for it. */
  async #writeStopped(): Promise<void> {
    const { store, manifest } = this.#o;
    const now = this.stopped();
    const before = this.#told;
    if (canonicalJson(now) === canonicalJson(before)) return;
    await writeStopped(store, manifest.generation, { now, before });
    this.#told = now;
  }

  async #writeChanged(): Promise<void> {
    const changed = [...this.#partitions.values()].filter((p) => p.written !== p.next);
    if (changed.length === 0) return;
    const documents: Record<ViewName, StoredDocument[]> = {
      top_posts: [],
      subreddit_activity: [],
      user_activity: [],
    };
    // Synchronous: the changes taken here belong to these offsets, whatever is folded meanwhile.
    for (const fold of changed) {
      for (const body of fold.state.takeChanged(partitionName(fold.topic, fold.partition))) {
        documents[viewOf(body)].push({ id: documentId(body), version: fold.next, body });
      }
    }
    const folded = changed.map((fold) => fold.folded());
    const oldest = changed.flatMap(({ topic, partition, oldest: appended }) =>
      appended === undefined ? [] : [{ topic, partition, appended }]
    );
    for (const fold of changed) fold.oldest = undefined;
    const started = this.#clock.monotonic();
    const records = this.#unflushed;
    this.#unflushed = 0;
    const { store, manifest, onFlush } = this.#o;
    await Promise.all(VIEWS.map((view) => {
      const written = documents[view];
      if (written.length === 0) return;
      return store.write(manifest.generation, view, written);
    }));
    // A reader of the folded offset must find at least those records, also by searching.
    await store.refresh(manifest.generation);
    await writeFolded(store, manifest.generation, folded);
    for (const [i, fold] of changed.entries()) fold.written = folded[i]!.next_offset;
    onFlush?.({
      generation: manifest.generation,
      records,
      took: this.#clock.monotonic() - started,
      oldest,
      documents: {
        top_posts: documents.top_posts.length,
        subreddit_activity: documents.subreddit_activity.length,
        user_activity: documents.user_activity.length,
      },
      folded,
    });
  }
}
