/**
 * One generation's speed layer: a deterministic fold of the log from the horizon.
 *
 * There is no checkpoint. A start is a seek to the horizon; a document is a function of one
 * partition's prefix, and its version is the prefix's end. So a redelivery, a second owner or a
 * zombie has the same documents, and whoever is further has the newer ones.
 *
 * @module
 */

import {
  canonicalJson,
  type Consumer,
  type EventLog,
  type LogBatch,
  partitionName,
  PipelineError,
  type ServingStore,
  type StoppedPartition,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import {
  checkContinuation,
  continueFrom,
  type Folded,
  foldIdentity,
  type Manifest,
  type PartAnswer,
  PARTS_BOUNDS,
  type PartsRequest,
  readPartitionFolded,
  readPartitionReached,
  writeReached,
  writeStopped,
} from "@pipeline/protocol";
import { type Clock, Lifetime, systemClock } from "@pipeline/runtime";
import type { SpeedSettings } from "./config.ts";
import { Copy } from "./copy.ts";
import type { FoldEvents } from "./events.ts";
import { Pace } from "./pace.ts";
import { type KnownOffsets, PartitionFold } from "./partition_fold.ts";
import { Turns } from "./turns.ts";

/**
 * What a standby takes as stored, and as visible before: everything. So it tracks no changes, and
 * measures no latency.
 */
const EVERYTHING: KnownOffsets = { stored: Infinity, reached: Infinity };

/** The dependencies and settings of a fold. */
export interface GenerationFoldOptions extends FoldEvents {
  /** The source of records. */
  readonly log: EventLog;
  /** The destination of documents. */
  readonly store: ServingStore;
  /** The generation that is folded. */
  readonly manifest: Manifest;
  /** How often and how much to write. */
  readonly settings: SpeedSettings;
  /**
   * Folds and answers in a consumer group of standbys, and writes nothing. False by default.
   *
   * A standby never becomes a writer. If a writer fails, Kafka gives its partitions to the others of
   * its group, or to the same one once it is restarted, and the standby answers meanwhile. Two
   * writers would do no harm, since versions are offsets; but a standby does not know what has
   * changed since the watermark, and a group for each role needs no decision who writes.
   */
  readonly standby?: boolean;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** Shared by all folds of a process; its own by default. */
  readonly turns?: Turns;
  /** Shared by all folds of a process; its own by default. */
  readonly pace?: Pace;
  /**
   * How much of a chunk the copy writes in a turn, in (0, 1]: its share beside other copies. A whole
   * chunk by default.
   */
  readonly share?: () => number;
  /** A stopped fold of the same generation, which is continued where it is resumable. */
  readonly before?: GenerationFold | undefined;
}

/** A fold of the log into one generation. */
export class GenerationFold {
  readonly #o: GenerationFoldOptions;
  readonly #clock: Clock;
  readonly #identity: string;
  readonly #turns: Turns;
  readonly #copy: Copy;
  /** Assigned and frozen partitions, by name. */
  readonly #partitions: Map<string, PartitionFold>;
  readonly #life = new Lifetime();
  /** Batches may arrive before `subscribe` has returned. */
  #consumer: Consumer | undefined;
  #loops: Promise<unknown> = Promise.resolve();
  #reporting: Promise<void> = Promise.resolve();
  /** What the store was last told of: offsets in memory, and stopped partitions. */
  readonly #reached = new Map<string, number>();
  #told: readonly StoppedPartition[] = [];

  private constructor(options: GenerationFoldOptions) {
    const { store, manifest, settings, before, clock = systemClock } = options;
    this.#o = options;
    this.#clock = clock;
    this.#identity = foldIdentity(manifest);
    this.#turns = options.turns ?? new Turns({ clock });
    this.#partitions = before?.resumable === true ? before.#partitions : new Map();
    this.#copy = new Copy({
      ...options,
      store,
      generation: manifest.generation,
      clock,
      pace: options.pace ?? new Pace(settings.maxDocuments, clock),
      folds: () => this.#partitions.values(),
    });
  }

  /** Rejects if the fold can make no progress; resolves when it is stopped. */
  get done(): Promise<void> {
    return this.#life.done;
  }

  /** Starts folding from the generation's horizon, or from where a fold before it ended. */
  static async start(options: GenerationFoldOptions): Promise<GenerationFold> {
    const fold = new GenerationFold(options);
    const { manifest, log, settings, standby = false } = options;
    const consumer = fold.#consumer = await log.subscribe({
      group: `speed-${manifest.generation}${standby ? "-standby" : ""}`,
      topics: TOPICS,
      start: (topic, partition) => fold.#assign(topic as Topic, partition),
      batch: (batch) => fold.#batch(batch),
      revoked: (topic, partition) => {
        const revoked = fold.#partitions.get(partitionName(topic, partition));
        if (revoked !== undefined) revoked.frozen = true;
        return Promise.resolve();
      },
    });
    fold.#life.follow(consumer.done);
    if (standby) return fold;
    // The first pass runs at once: it reports every partition as folded.
    fold.#loops = Promise.all([
      fold.#every(settings.flushInterval, () => fold.#copy.pass()),
      fold.#every(settings.pollInterval, () => fold.#report()),
    ]);
    return fold;
  }

  /** The generation that is folded. */
  get generation(): number {
    return this.#o.manifest.generation;
  }

  /** See {@linkcode foldIdentity}. */
  get identity(): string {
    return this.#identity;
  }

  /** Number of keys in memory, those of frozen partitions included. */
  get keys(): number {
    return this.#all().reduce((sum, { keys }) => sum + keys, 0);
  }

  /** Number of frozen partitions. */
  get frozen(): number {
    return this.#all().filter(({ frozen }) => frozen).length;
  }

  /** Whether another fold may go on from its partitions once it is stopped. */
  get resumable(): boolean {
    return !this.#copy.failed;
  }

  /** Append time of the oldest folded record that is not in the store yet, if there is one. */
  get oldest(): number | undefined {
    const times = this.#assigned().flatMap(({ oldest }) => oldest ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Folded offset of each assigned partition, written or not. */
  folded(): Folded[] {
    return this.#assigned().map((partition) => partition.folded());
  }

  /** The stopped partitions. */
  stopped(): readonly StoppedPartition[] {
    return this.#consumer?.stopped ?? [];
  }

  /**
   * Answers questions for all partitions, frozen ones included, each as of the offset that it has
   * reached. Synchronous, so that positions and documents belong together.
   *
   * @throws {PipelineError} `too_large` if an answer has more documents than `PARTS_BOUNDS` allows.
   */
  answer({ questions }: Pick<PartsRequest, "questions">): PartAnswer[] {
    const stopped = this.stopped();
    return this.#all().map((fold) => {
      const { topic, partition, frozen } = fold;
      const why = frozen
        ? undefined
        : stopped.find((s) => s.topic === topic && s.partition === partition);
      const answer = fold.answer(questions, why);
      for (const { length } of answer.answers) {
        if (length > PARTS_BOUNDS.documents) throw tooLarge(fold.part, length);
      }
      return answer;
    });
  }

  /**
   * Drops frozen partitions that the store is as far in: then somebody else has folded them so far.
   *
   * @param folded the store's watermarks.
   */
  release(folded: readonly Folded[]): void {
    for (const { topic, partition, next_offset } of folded) {
      const name = partitionName(topic, partition);
      const fold = this.#partitions.get(name);
      if (fold?.frozen === true && next_offset >= fold.next) this.#partitions.delete(name);
    }
  }

  /**
   * Stops. What was folded is written first, as fast as the store takes it, unless `discard` is
   * set. Its partitions are frozen, and still answer.
   */
  async stop(options: { readonly discard?: boolean } = {}): Promise<void> {
    if (options.discard === true) this.#copy.abandon();
    try {
      await this.#consumer?.stop();
      if (options.discard !== true) await this.flush();
    } finally {
      this.#life.end();
      await this.#loops;
      for (const fold of this.#all()) fold.frozen = true;
    }
  }

  /** Writes what has changed, and reports offsets, without any waits. A standby does nothing. */
  async flush(): Promise<void> {
    if (this.#o.standby === true) return;
    await this.#copy.flush();
    await this.#report();
  }

  #all(): PartitionFold[] {
    return [...this.#partitions.values()];
  }

  #assigned(): PartitionFold[] {
    return this.#all().filter(({ frozen }) => !frozen);
  }

  async #assign(topic: Topic, partition: number): Promise<number> {
    const { log, manifest, standby = false } = this.#o;
    const { generation } = manifest;
    const name = partitionName(topic, partition);
    const start = manifest.horizon[topic][partition];
    if (start === undefined) {
      throw new PipelineError(
        "conflict",
        `Generation ${generation} has no horizon for ${name}: the number of partitions changed, ` +
          `which needs a full generation`,
      );
    }
    const fold = this.#partitions.get(name) ??
      new PartitionFold(topic, partition, start, manifest);
    const last = fold.last ?? manifest.last?.[name] ?? null;
    await checkContinuation(log, topic, partition, fold.next, last);
    fold.assign(standby ? EVERYTHING : await this.#known(fold));
    this.#partitions.set(name, fold);
    return fold.next;
  }

  async #known({ topic, partition, start }: PartitionFold): Promise<KnownOffsets> {
    const { store, manifest: { generation } } = this.#o;
    const [folded, reached] = await Promise.all([
      readPartitionFolded(store, generation, topic, partition),
      readPartitionReached(store, generation, topic, partition),
    ]);
    return { stored: folded?.next_offset ?? -1, reached: reached?.next_offset ?? start };
  }

  async #batch(delivered: LogBatch): Promise<void> {
    const fold = this.#partitions.get(partitionName(delivered.topic, delivered.partition));
    if (fold === undefined || fold.frozen) return;
    const batch = continueFrom(delivered, fold.next);
    if (batch === undefined) return;
    const appended = await fold.fold(batch, this.#turns).catch((error) => {
      // The state may hold a part of a record: nobody may be answered from it.
      this.#partitions.delete(fold.part);
      throw error;
    });
    this.#o.onFold?.({
      generation: this.generation,
      topic: fold.topic,
      partition: fold.partition,
      records: batch.records.length,
      appended,
    });
  }

  async #every(interval: number, work: () => Promise<void>): Promise<void> {
    const { signal, fail } = this.#life;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        return fail(error);
      }
      try {
        await this.#clock.sleep(interval, signal);
      } catch {
        return;
      }
    }
  }

  #report(): Promise<void> {
    return this.#reporting = this.#reporting.then(async () => {
      await this.#writeReached();
      await this.#writeStopped();
    });
  }

  /** Batch switches to a generation by how far its folds are in memory. */
  async #writeReached(): Promise<void> {
    const reached = this.#assigned().filter(({ part, next }) => this.#reached.get(part) !== next)
      .map(({ topic, partition, part, next: next_offset }) => {
        this.#reached.set(part, next_offset);
        return { topic, partition, next_offset };
      });
    if (reached.length > 0) await writeReached(this.#o.store, this.generation, reached);
  }

  /** Answers are marked partial while a partition is stopped, and batch does not wait for it. */
  async #writeStopped(): Promise<void> {
    const now = this.stopped();
    const before = this.#told;
    if (canonicalJson(now) === canonicalJson(before)) return;
    await writeStopped(this.#o.store, this.generation, { now, before });
    this.#told = now;
  }
}

function tooLarge(part: string, documents: number): PipelineError {
  return new PipelineError(
    "too_large",
    `The answer of ${part} to one question has ${documents} documents: at most ` +
      `${PARTS_BOUNDS.documents} are allowed`,
  );
}
