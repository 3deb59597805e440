/**
 * The log on Kafka.
 *
 * @module
 */

import {
  type Consumer,
  type EventLog,
  hasCode,
  type LogBatch,
  type LogProducer,
  type LogRange,
  PipelineError,
  type Subscription,
  type TopicSpec,
} from "@pipeline/core";
import {
  type Clock,
  type Logger,
  type RetryOptions,
  systemClock,
  withTimeout,
} from "@pipeline/runtime";
import { type Admin, type ISocketFactory, Kafka } from "kafkajs";
import { DEFAULT_MAX_RECORDS, outOfRange } from "../contract/groups.ts";
import type { ClientOptions } from "./_kafkajs.ts";
import { Appender } from "./appender.ts";
import { clientOptions } from "./client.ts";
import { type KafkaConfig, kafkaConfig, type KafkaInput } from "./config.ts";
import { KafkaConsumer, slices } from "./consumer.ts";
import { toPipelineError, UNKNOWN_FOR } from "./errors.ts";
import { Fetcher } from "./fetcher.ts";
import { KafkaProducer } from "./producer.ts";
import { ensureTopics, topicRanges } from "./topics.ts";

/** Options of the adapter besides its configuration. */
export interface KafkaOptions {
  /** Logs the clients' messages. */
  readonly logger?: Logger;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** Opens connections; the client's own by default. */
  readonly socketFactory?: ISocketFactory;
  /** Called for the consumers' retries in the background. */
  readonly retry?: Pick<RetryOptions, "onRetry" | "onSettled">;
}

/** A connection that concurrent callers share. */
interface SharedAdmin {
  readonly admin: Promise<Admin>;
  /** Number of pending calls. */
  asking: number;
  /** Close the connection once no call is pending. */
  failed: boolean;
}

/** Milliseconds between two lookups of an unknown topic. */
const PAUSE = 200;

/**
 * Opens the log on Kafka. Connects on first use.
 *
 * @param config in the form of {@linkcode kafkaConfig}, with or without defaults filled in.
 * @throws {PipelineError} `invalid` if a file of secrets cannot be read.
 */
export function openKafka(config: KafkaInput | KafkaConfig, options: KafkaOptions = {}): KafkaLog {
  return new KafkaLog(kafkaConfig.parse(config), options);
}

/** The log on Kafka. Use {@linkcode openKafka}. */
export class KafkaLog implements EventLog {
  readonly #config: KafkaConfig;
  readonly #client: ClientOptions;
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;
  readonly #retry: KafkaOptions["retry"];
  readonly #consumers = new Set<KafkaConsumer>();
  readonly #producers = new Set<LogProducer>();
  readonly #partitions = new Map<string, number>();
  /** Topics that were found before. */
  readonly #seen = new Set<string>();
  readonly #closing = new AbortController();
  #admin: SharedAdmin | undefined;
  #fetcher: Fetcher | undefined;

  /** Takes a complete configuration. */
  constructor(config: KafkaConfig, options: KafkaOptions = {}) {
    this.#config = config;
    this.#client = clientOptions(config, options);
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger;
    this.#retry = options.retry;
  }

  /** See {@linkcode EventLog.ensureTopics}. */
  async ensureTopics(
    specs: readonly TopicSpec[],
    { alter = true }: { readonly alter?: boolean } = {},
  ): Promise<void> {
    const named = specs.map((spec) => ({ ...spec, topic: this.#name(spec.topic) }));
    const options = { config: this.#config, alter, logger: this.#logger };
    await this.#ask("Making topics", (admin) => ensureTopics(admin, named, options));
  }

  /** See {@linkcode EventLog.ranges}. */
  async ranges(topic: string): Promise<LogRange[]> {
    const began = this.#clock.monotonic();
    for (;;) {
      try {
        const ranges = await this.#ask(
          `Asking for the offsets of ${topic}`,
          (admin) => topicRanges(admin, this.#name(topic)),
        );
        this.#seen.add(topic);
        return ranges;
      } catch (error) {
        if (!hasCode(error, "not_found")) throw error;
        // A broker that has just started, or has not learnt of a new topic, does not know it yet.
        if (this.#seen.has(topic)) {
          throw new PipelineError("unavailable", `${error.message} (it existed before)`, {
            cause: error,
          });
        }
        if (this.#clock.monotonic() - began >= UNKNOWN_FOR) throw error;
      }
      await this.#clock.sleep(PAUSE, this.#closing.signal);
    }
  }

  /** See {@linkcode EventLog.producer}. */
  async producer(): Promise<LogProducer> {
    this.#check();
    const producer = await KafkaProducer.open({
      config: this.#config,
      clock: this.#clock,
      logger: this.#logger,
      connect: () => Appender.open(this.#client, { config: this.#config, clock: this.#clock }),
      partitions: (topic) => this.#count(topic),
      nameOf: (topic) => this.#name(topic),
    });
    this.#producers.add(producer);
    return producer;
  }

  /** See {@linkcode EventLog.subscribe}. */
  async subscribe(subscription: Subscription): Promise<Consumer> {
    this.#check();
    for (const topic of subscription.topics) await this.#count(topic);
    const own = (topic: string) => topic.slice(this.#config.prefix.length);
    const consumer = new KafkaConsumer(
      {
        client: this.#client,
        config: this.#config,
        clock: this.#clock,
        logger: this.#logger,
        retry: this.#retry,
        own,
        range: (topic, partition) => this.#range(topic, partition),
      },
      {
        ...subscription,
        group: this.#name(subscription.group),
        topics: subscription.topics.map((topic) => this.#name(topic)),
        start: (topic, partition) => subscription.start(own(topic), partition),
        batch: (batch) => subscription.batch({ ...batch, topic: own(batch.topic) }),
        revoked: async (topic, partition) => await subscription.revoked?.(own(topic), partition),
      },
    );
    this.#consumers.add(consumer);
    consumer.done.catch(() => {}).finally(() => this.#consumers.delete(consumer));
    return consumer;
  }

  /** See {@linkcode EventLog.marks}. */
  async marks(group: string, topic: string): Promise<number[]> {
    const partitions = await this.#count(topic);
    return await this.#ask(`Asking how far ${group} is`, async (admin) => {
      const asked = { groupId: this.#name(group), topics: [this.#name(topic)] };
      const [found] = await admin.fetchOffsets(asked);
      const offsets = new Map(found?.partitions.map((at) => [at.partition, Number(at.offset)]));
      return Array.from({ length: partitions }, (_, partition) => offsets.get(partition) ?? -1);
    });
  }

  /** See {@linkcode EventLog.read}. */
  async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
  ): AsyncGenerator<LogBatch> {
    this.#check();
    const range = await this.#range(topic, partition);
    if (from < range.earliest || to > range.end) throw outOfRange(topic, range, from, to);
    this.#fetcher ??= new Fetcher(this.#client, { config: this.#config, logger: this.#logger });
    const { signal } = this.#closing;
    for (let position = from; position < to;) {
      const fetched = await this.#fetcher.next(this.#name(topic), partition, {
        from: position,
        signal,
      });
      position = fetched.nextOffset;
      const records = fetched.records.filter(({ offset }) => offset < to);
      const nextOffset = Math.min(to, fetched.nextOffset);
      yield* slices({ ...fetched, topic, nextOffset, records }, DEFAULT_MAX_RECORDS);
    }
  }

  /** See {@linkcode EventLog.close}. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    await Promise.all([...this.#producers].map((producer) => producer.close().catch(() => {})));
    await this.#fetcher?.close();
    await this.#admin?.admin.then((admin) => admin.disconnect()).catch(() => {});
  }

  #check(): void {
    if (this.#closing.signal.aborted) throw new PipelineError("stopped", "The log is closed");
  }

  #name(topic: string): string {
    return this.#config.prefix + topic;
  }

  async #range(topic: string, partition: number): Promise<LogRange> {
    const found = (await this.ranges(topic)).find((range) => range.partition === partition);
    if (found !== undefined) return found;
    throw new PipelineError("not_found", `Topic ${topic} has no partition ${partition}`);
  }

  /** Number of partitions of a topic; it never decreases during the process. */
  async #count(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const count = (await this.ranges(topic)).length;
    this.#partitions.set(topic, count);
    return count;
  }

  /** Makes an administrative call; a failed connection is replaced for the next one. */
  async #ask<T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    this.#check();
    const shared = this.#admin ??= { admin: this.#connectAdmin(), asking: 0, failed: false };
    shared.asking++;
    try {
      return await withTimeout(async () => await question(await shared.admin), {
        ms: 2 * this.#config.requestTimeout,
        what,
        clock: this.#clock,
      });
    } catch (error) {
      const problem = toPipelineError(error, what);
      if (problem.code === "unavailable") {
        shared.failed = true;
        if (this.#admin === shared) this.#admin = undefined;
      }
      throw problem;
    } finally {
      // Not earlier: other calls may be pending on it, and the client would never settle them.
      if (--shared.asking === 0 && shared.failed) {
        shared.admin.then((admin) => admin.disconnect()).catch(() => {});
      }
    }
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = new Kafka(this.#client).admin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      await admin.disconnect().catch(() => {});
      throw error;
    }
  }
}
