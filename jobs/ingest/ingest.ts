/**
 * From the log into the dataset: every assigned partition, flushed by size and age.
 *
 * @module
 */

import {
  type Consumer,
  type EventLog,
  type LogBatch,
  type LogProducer,
  type MasterDataset,
  partitionName,
  type StoppedPartition,
  type Subscription,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import {
  checkContinuation,
  type Commit,
  CommitLog,
  INGEST_GROUP,
  newToken,
} from "@pipeline/protocol";
import {
  type Clock,
  Lifetime,
  type Logger,
  type RetryOptions,
  systemClock,
} from "@pipeline/runtime";
import type { IngestSettings } from "./config.ts";
import { PartitionWriter } from "./partition_writer.ts";

/** The dependencies and settings of ingest. */
export interface IngestOptions {
  /** The source of records, and the destination of dead letters. */
  readonly log: EventLog;
  /** The destination of records. */
  readonly dataset: MasterDataset;
  /** When to flush, and which records become dead letters. */
  readonly settings: IngestSettings;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** How the sending of dead letters is retried: duplicates are possible. */
  readonly retry?: RetryOptions;
  /** Logs conflicts with other writers. */
  readonly logger?: Logger;
  /** Called with each commit of this writer, and its duration in milliseconds. */
  readonly onCommit?: (commit: Commit, took: number) => void;
}

interface Assigned {
  readonly topic: Topic;
  readonly partition: number;
  readonly writer: PartitionWriter;
  /** When the oldest pending record was taken, by the monotonic clock. */
  since: number | undefined;
  /** Settles when the work in progress on this partition ends. */
  busy: Promise<void>;
}

/** A running ingest. */
export class Ingest {
  readonly #o: IngestOptions;
  readonly #clock: Clock;
  readonly #token = newToken();
  readonly #assigned = new Map<string, Assigned>();
  readonly #life = new Lifetime();
  #deadLetters!: LogProducer;
  /** Batches may arrive, and be flushed, before `subscribe` has returned. */
  #consumer: Consumer | undefined;
  #timer: Promise<void> = Promise.resolve();

  private constructor(options: IngestOptions) {
    this.#o = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** The writer's name: the folder of its temporary files. */
  get token(): string {
    return this.#token;
  }

  /** Rejects if ingest can make no progress; resolves when it is stopped. */
  get done(): Promise<void> {
    return this.#life.done;
  }

  /** Starts at the offsets in the commit log, once the log answers. */
  static async start(options: IngestOptions): Promise<Ingest> {
    const ingest = new Ingest(options);
    const { log } = options;
    ingest.#deadLetters = await log.producer();
    const subscription: Subscription = {
      group: INGEST_GROUP,
      topics: TOPICS,
      start: (topic, partition) => ingest.#assign(topic as Topic, partition),
      batch: (batch) => ingest.#batch(batch),
      revoked: (topic, partition) => {
        ingest.#assigned.delete(partitionName(topic, partition));
        return Promise.resolve();
      },
    };
    let consumer;
    try {
      consumer = ingest.#consumer = await log.subscribe(subscription);
    } catch (error) {
      await ingest.#deadLetters.close();
      throw error;
    }
    ingest.#life.follow(consumer.done);
    for (const assigned of ingest.#assigned.values()) ingest.#mark(assigned);
    ingest.#timer = ingest.#flushByAge().catch(ingest.#life.fail);
    return ingest;
  }

  /** The stopped partitions. */
  stopped(): readonly StoppedPartition[] {
    return this.#consumer?.stopped ?? [];
  }

  /** The first offset that is not in the dataset, for every assigned partition. */
  committed(): { topic: Topic; partition: number; offset: number }[] {
    return [...this.#assigned.values()].map(({ topic, partition, writer }) => ({
      topic,
      partition,
      offset: writer.committed,
    }));
  }

  /** Stops reading, commits the pending records, and releases all resources. */
  async stop(): Promise<void> {
    this.#life.end();
    await this.#timer;
    await this.#consumer?.stop();
    try {
      await Promise.all([...this.#assigned.values()].map((assigned) => this.#flush(assigned)));
    } finally {
      await this.#deadLetters.close();
    }
  }

  async #assign(topic: Topic, partition: number): Promise<number> {
    const { log, dataset, settings } = this.#o;
    const last = await new CommitLog(dataset).last(topic, partition);
    const next = last?.end ?? 0;
    await checkContinuation(log, topic, partition, next, last?.last ?? null);
    this.#assigned.set(partitionName(topic, partition), {
      topic,
      partition,
      writer: new PartitionWriter({
        dataset,
        deadLetters: this.#deadLetters,
        topic,
        partition,
        next,
        last: last?.last ?? null,
        maxFuture: settings.maxFuture,
        token: this.#token,
        ...(this.#o.retry === undefined ? {} : { retry: this.#o.retry }),
      }),
      since: undefined,
      busy: Promise.resolve(),
    });
    return next;
  }

  async #batch(batch: LogBatch): Promise<void> {
    const assigned = this.#assigned.get(partitionName(batch.topic, batch.partition));
    if (assigned === undefined) return;
    const taken = this.#exclusive(assigned, async () => {
      assigned.writer.add(batch);
      const { records, bytes } = assigned.writer.pending;
      if (records > 0) assigned.since ??= this.#clock.monotonic();
      const { flush } = this.#o.settings;
      if (records >= flush.records || bytes >= flush.bytes) await this.#commit(assigned);
    });
    // Failures on a partition that another member owns by now are ignored: its new owner repeats the work.
    await taken.catch((error) => {
      if (this.#isOurs(assigned)) throw error;
    });
  }

  async #flushByAge(): Promise<void> {
    const { age } = this.#o.settings.flush;
    const signal = this.#life.signal;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(Math.max(10, age / 4), signal);
      } catch {
        return;
      }
      const due = this.#clock.monotonic() - age;
      const old = [...this.#assigned.values()].filter((a) =>
        a.since !== undefined && a.since <= due
      );
      await Promise.all(old.map((assigned) =>
        this.#flush(assigned).catch((error) => {
          if (this.#isOurs(assigned)) throw error;
        })
      ));
    }
  }

  #flush(assigned: Assigned): Promise<void> {
    return this.#exclusive(assigned, () => this.#commit(assigned));
  }

  async #commit(assigned: Assigned): Promise<void> {
    const { writer } = assigned;
    const taken = writer.next;
    const started = this.#clock.monotonic();
    const flushed = await writer.flush();
    assigned.since = undefined;
    if (flushed === undefined) return;
    this.#mark(assigned);
    if (flushed.ours) this.#o.onCommit?.(flushed.commit, this.#clock.monotonic() - started);
    else await this.#followOther(assigned, { last: flushed.commit.last, taken });
  }

  /** Stores the dataset's offset in the log, for monitoring. A failure has no consequence. */
  #mark({ topic, partition, writer }: Assigned): void {
    this.#consumer?.mark(topic, partition, writer.committed).catch((error) =>
      this.#o.logger?.debug("Could not mark the dataset's offset", { topic, partition, error })
    );
  }

  /**
   * Continues after another writer's commit: records that were delivered before `taken` and are not
   * in that commit are not redelivered. A partition's old owner may commit once more after its new
   * owner has determined its start.
   */
  async #followOther(
    assigned: Assigned,
    { last, taken }: { readonly last: Commit["last"]; readonly taken: number },
  ): Promise<void> {
    const { log, logger } = this.#o;
    const { topic, partition, writer } = assigned;
    // If we are stopping, or have lost the partition, the rest is its new owner's work.
    if (this.#life.signal.aborted || !this.#isOurs(assigned)) return;
    logger?.info("Another writer was first", {
      topic,
      partition,
      start: writer.committed,
      taken,
    });
    await checkContinuation(log, topic, partition, writer.committed, last);
    if (writer.next < taken) {
      for await (const batch of log.read(topic, partition, writer.next, taken)) writer.add(batch);
    }
    if (writer.pending.records > 0) assigned.since = this.#clock.monotonic();
  }

  /** Serialises the work on a partition; a failure ends ingest. */
  #exclusive(assigned: Assigned, work: () => Promise<void>): Promise<void> {
    // No work may follow a failure: it would leave a gap. So the chain stays rejected.
    const run = assigned.busy.then(work);
    assigned.busy = run;
    run.catch((error) => {
      // Failures on a partition that another member owns by now are ignored: its new owner repeats the work.
      if (this.#isOurs(assigned)) this.#life.fail(error);
    });
    return run;
  }

  #isOurs(assigned: Assigned): boolean {
    return this.#assigned.get(partitionName(assigned.topic, assigned.partition)) === assigned;
  }
}
