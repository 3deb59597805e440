/**
 * A subscription: the membership determines the assigned partitions, and each of them is read by a
 * loop of its own, from the offset that the subscription returns.
 *
 * @module
 */

import {
  type Consumer,
  hasCode,
  type LogBatch,
  type LogRange,
  partitionName,
  type StoppedPartition,
  type Subscription,
  UnreadableError,
} from "@pipeline/core";
import { type Clock, type Logger, retry, type RetryOptions } from "@pipeline/runtime";
import { DEFAULT_MAX_RECORDS, outOfRange } from "../contract/groups.ts";
import type { ClientOptions } from "./_kafkajs.ts";
import type { KafkaConfig } from "./config.ts";
import { Fetcher } from "./fetcher.ts";
import { Membership } from "./membership.ts";

/** Milliseconds between two attempts to read a stopped partition. */
const STANDING_STILL = 1_000;

/** Dependencies of a consumer. */
export interface ConsumerParts {
  /** Options of the connections. */
  readonly client: ClientOptions;
  /** Configuration of the adapter. */
  readonly config: KafkaConfig;
  /** Source of time. */
  readonly clock: Clock;
  /** The current range of an assigned partition. */
  range(topic: string, partition: number): Promise<LogRange>;
  /** Called for retries in the background. */
  readonly retry?: Pick<RetryOptions, "onRetry" | "onSettled"> | undefined;
  /** Our name of a topic, from its name on the brokers. */
  own(topic: string): string;
  /** Logs when a partition stops and when it continues. */
  readonly logger: Logger | undefined;
}

/** A running subscription. */
export class KafkaConsumer implements Consumer {
  /** See {@linkcode Consumer.done}. */
  readonly done: Promise<void>;
  readonly #fetcher: Fetcher;
  readonly #membership: Membership;
  readonly #loops = new Map<string, Loop>();
  readonly #subscription: Subscription;
  readonly #parts: ConsumerParts;
  readonly #settle: { resolve(): void; reject(error: unknown): void };
  #failure: { readonly error: unknown } | undefined;
  #ending: Promise<void> | undefined;

  /** Joins the group. */
  constructor(parts: ConsumerParts, subscription: Subscription) {
    this.#parts = parts;
    this.#subscription = subscription;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#settle = { resolve, reject };
    // Callers that only stop the consumer need not handle the failure of `done`.
    this.done.catch(() => {});
    this.#fetcher = new Fetcher(parts.client, parts);
    this.#membership = new Membership(parts.client, {
      group: subscription.group,
      topics: subscription.topics,
      sessionTimeout: parts.config.sessionTimeout,
      clock: parts.clock,
      retry: parts.retry,
      assigned: (topic, partition) => this.#assigned(topic, partition),
      revoked: (topic, partition) => this.#revoked(topic, partition),
    });
    this.#membership.done.catch((error) => this.#fail(error));
  }

  /** See {@linkcode Consumer.stopped}. */
  get stopped(): readonly StoppedPartition[] {
    return [...this.#loops.values()].flatMap((loop) => loop.stopped ?? []);
  }

  /** See {@linkcode Consumer.stop}. */
  stop(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  /** See {@linkcode Consumer.mark}. */
  mark(topic: string, partition: number, offset: number): Promise<void> {
    return this.#membership.mark(this.#parts.config.prefix + topic, partition, offset);
  }

  #assigned(topic: string, partition: number): void {
    if (this.#ending !== undefined) return;
    const loop = new Loop({
      topic,
      partition,
      subscription: this.#subscription,
      fetcher: this.#fetcher,
      parts: this.#parts,
    });
    this.#loops.set(partitionName(topic, partition), loop);
    loop.over.catch((error) => this.#fail(error));
  }

  async #revoked(topic: string, partition: number): Promise<void> {
    const name = partitionName(topic, partition);
    const loop = this.#loops.get(name);
    if (loop === undefined) return;
    loop.end();
    await loop.over.catch(() => {});
    this.#loops.delete(name);
    if (this.#ending !== undefined) return;
    try {
      await this.#subscription.revoked?.(topic, partition);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.stop();
  }

  async #end(): Promise<void> {
    const loops = [...this.#loops.values()];
    for (const loop of loops) loop.end();
    await Promise.allSettled(loops.map((loop) => loop.over));
    await Promise.all([this.#membership.leave(), this.#fetcher.close()]);
    if (this.#failure === undefined) this.#settle.resolve();
    else this.#settle.reject(this.#failure.error);
  }
}

interface LoopParts {
  readonly topic: string;
  readonly partition: number;
  readonly subscription: Subscription;
  readonly fetcher: Fetcher;
  readonly parts: ConsumerParts;
}

/** Reads one partition until it is stopped. */
class Loop {
  /** Resolves once nothing runs any more; rejects if it can make no progress. */
  readonly over: Promise<void>;
  /** Why the partition is stopped, if it is. */
  stopped: StoppedPartition | undefined;
  readonly #o: LoopParts;
  readonly #ending = new AbortController();

  constructor(options: LoopParts) {
    this.#o = options;
    this.over = this.#run().catch((error) => {
      if (!hasCode(error, "stopped") || !this.#ending.signal.aborted) throw error;
    });
  }

  end(): void {
    this.#ending.abort();
  }

  async #run(): Promise<void> {
    const { topic, partition, subscription } = this.#o;
    const { signal } = this.#ending;
    // `start` may read the last records of the partition.
    const position = await this.#readable(() => subscription.start(topic, partition));
    let coming = this.#ahead(position);
    while (!signal.aborted) {
      const fetched = await coming;
      // The next answer is fetched while this one is processed.
      coming = this.#ahead(fetched.nextOffset);
      for (const batch of slices(fetched, subscription.maxRecords ?? DEFAULT_MAX_RECORDS)) {
        if (signal.aborted) return;
        await subscription.batch(batch);
      }
    }
  }

  /** Fetches a batch that may never be awaited: a loop that ends abandons it. */
  #ahead(from: number): Promise<LogBatch> {
    const coming = this.#next(from);
    coming.catch(() => {});
    return coming;
  }

  /** Retries without end until the read succeeds: a disk or broker may be repaired. */
  async #readable<T>(read: () => Promise<T>): Promise<T> {
    const { logger, clock, own } = this.#o.parts;
    for (;;) {
      try {
        const found = await read();
        if (this.stopped !== undefined) {
          const { topic, partition, offset } = this.stopped;
          logger?.info("The partition can be read again", { topic, partition, offset });
          this.stopped = undefined;
        }
        return found;
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        const at = { ...error.at, topic: own(error.at.topic) };
        const { why, ...fields } = at;
        if (this.stopped?.why !== why) logger?.error(why, fields);
        this.stopped = at;
        await clock.sleep(STANDING_STILL, this.#ending.signal);
      }
    }
  }

  #next(from: number): Promise<LogBatch> {
    return this.#readable(() => this.#nextOfRange(from));
  }

  async #nextOfRange(from: number): Promise<LogBatch> {
    const { topic, partition, fetcher, parts } = this.#o;
    const { signal } = this.#ending;
    for (;;) {
      try {
        return await fetcher.next(topic, partition, { from, signal });
      } catch (error) {
        if (!hasCode(error, "offset_out_of_range")) throw error;
        const { clock } = parts;
        const asking = { ...parts.retry, clock, signal };
        const range = await retry(() => parts.range(parts.own(topic), partition), asking);
        if (from < range.earliest || from > range.end) {
          throw outOfRange(topic, range, from, Math.max(from, range.end));
        }
        // A new leader may not yet know what is committed.
        await clock.sleep(100, signal);
      }
    }
  }
}

/** Splits a batch into consecutive slices of at most `maxRecords` records. */
export function* slices(batch: LogBatch, maxRecords: number): Generator<LogBatch> {
  const { records, nextOffset } = batch;
  let { startOffset } = batch;
  let at = 0;
  do {
    const end = Math.min(records.length, at + maxRecords);
    const next = end < records.length ? records[end]!.offset : nextOffset;
    yield { ...batch, startOffset, nextOffset: next, records: records.slice(at, end) };
    startOffset = next;
    at = end;
  } while (at < records.length);
}
