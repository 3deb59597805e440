/**
 * Reads partitions from their leaders. All partitions that want records from one broker
 * share its connection and one request at a time, since a broker answers the requests of
 * a connection in order.
 *
 * @module
 */

import { type LogBatch, type LogRecord, partitionName, PipelineError } from "@pipeline/core";
import { stopped } from "@pipeline/runtime";
import {
  type Broker,
  type ClientOptions,
  type Cluster,
  createCluster,
  type FetchedPartition,
} from "./_kafkajs.ts";
import type { KafkaConfig } from "./config.ts";
import { protocolError, toPipelineError } from "./errors.ts";

/** Milliseconds between tries while a partition has no leader, or its broker is away. */
const PAUSE = 200;

/** Milliseconds for which a topic may be unknown: a broker that starts does not know all yet. */
const UNKNOWN = 15_000;

/** Most bytes of one answer. */
const ANSWER_BYTES = 16 << 20;

interface Wish {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  resolve(batch: LogBatch): void;
  reject(error: unknown): void;
  /** When the topic was first found to be unknown, by the monotonic clock. */
  unknownSince: number | undefined;
}

/** Reads partitions; each at most once at a time. */
export class Fetcher {
  readonly #cluster: Cluster;
  readonly #config: KafkaConfig;
  readonly #topics = new Set<string>();
  readonly #wishes = new Set<Wish>();
  /** Brokers that are being asked. */
  readonly #polling = new Set<number>();
  #connected: Promise<void> | undefined;
  #closed = false;

  /** Connects at the first reading. */
  constructor(options: ClientOptions, config: KafkaConfig) {
    this.#cluster = createCluster(options);
    this.#config = config;
  }

  /**
   * The next records of a partition: waits until there are some.
   *
   * @returns all that the broker sent from the offset on.
   * @throws {PipelineError} `offset_out_of_range`, bare: ask for the range that there is;
   * `not_found` where topic or partition is unknown for long; `stopped` at the signal.
   */
  next(
    topic: string,
    partition: number,
    options: { readonly from: number; readonly signal: AbortSignal },
  ): Promise<LogBatch> {
    const { from, signal } = options;
    if (signal.aborted || this.#closed) return Promise.reject(stopped(signal));
    const { promise, resolve, reject } = Promise.withResolvers<LogBatch>();
    const wish: Wish = { topic, partition, from, resolve, reject, unknownSince: undefined };
    const onAbort = () => {
      this.#wishes.delete(wish);
      reject(stopped(signal));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#wishes.add(wish);
    this.#dispatch();
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Ends all readings. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wish of this.#wishes) wish.reject(new PipelineError("stopped", "The log is closed"));
    this.#wishes.clear();
    await this.#connected?.catch(() => {});
    await this.#cluster.disconnect();
  }

  /** Sees to it that the leader of every wish is asked. */
  async #dispatch(): Promise<void> {
    try {
      await (this.#connected ??= this.#cluster.connect());
      await this.#learn();
    } catch (error) {
      // Not connected, or a topic that is not known (yet): again in a moment.
      this.#connected = this.#cluster.isConnected() ? this.#connected : undefined;
      this.#giveUpUnknown(error);
      return this.#later();
    }
    let homeless = false;
    for (const wish of this.#wishes) {
      const leader = this.#leaderOf(wish);
      if (leader === undefined) homeless = true;
      else this.#poll(leader);
    }
    if (homeless) this.#later();
  }

  #waiting = false;

  #later(): void {
    if (this.#waiting || this.#closed || this.#wishes.size === 0) return;
    this.#waiting = true;
    setTimeout(async () => {
      this.#waiting = false;
      if (this.#closed) return;
      await this.#cluster.refreshMetadata().catch(() => {});
      this.#dispatch();
    }, PAUSE);
  }

  /** Learns who leads the partitions of topics that were not asked for before. */
  async #learn(): Promise<void> {
    const topics = new Set([...this.#wishes].map(({ topic }) => topic));
    const missing = [...topics].filter((topic) => !this.#topics.has(topic));
    if (missing.length > 0) {
      await this.#cluster.addMultipleTargetTopics(missing);
      for (const topic of missing) this.#topics.add(topic);
    }
    await this.#cluster.refreshMetadataIfNecessary();
  }

  #leaderOf({ topic, partition }: Wish): number | undefined {
    const found = this.#cluster.findTopicPartitionMetadata(topic)
      .find(({ partitionId }) => partitionId === partition);
    return found === undefined || found.leader < 0 ? undefined : found.leader;
  }

  #giveUpUnknown(error: unknown): void {
    if (protocolError(error) !== "UNKNOWN_TOPIC_OR_PARTITION") return;
    const now = performance.now();
    for (const wish of this.#wishes) {
      if (this.#topics.has(wish.topic)) continue;
      wish.unknownSince ??= now;
      if (now - wish.unknownSince < UNKNOWN) continue;
      this.#wishes.delete(wish);
      wish.reject(toPipelineError(error, `Reading ${wish.topic}`));
    }
  }

  /** Asks one broker, for as long as somebody wants something of it. */
  async #poll(leader: number): Promise<void> {
    if (this.#polling.has(leader)) return;
    this.#polling.add(leader);
    try {
      const broker = await this.#cluster.findBroker({ nodeId: leader });
      while (!this.#closed) {
        const wishes = [...this.#wishes].filter((wish) => this.#leaderOf(wish) === leader);
        if (wishes.length === 0) break;
        await this.#ask(broker, wishes);
      }
    } catch (error) {
      this.#refuse(error);
      this.#later();
    } finally {
      this.#polling.delete(leader);
    }
    // A wish that came just now found the broker being asked.
    if ([...this.#wishes].some((wish) => this.#leaderOf(wish) === leader)) this.#later();
  }

  async #ask(broker: Broker, wishes: readonly Wish[]): Promise<void> {
    const { fetchWait, fetchMinBytes, fetchBytes } = this.#config;
    const topics = Map.groupBy(wishes, ({ topic }) => topic);
    const { responses } = await broker.fetch({
      replicaId: -1,
      isolationLevel: 0,
      maxWaitTime: fetchWait,
      minBytes: fetchMinBytes,
      maxBytes: ANSWER_BYTES,
      topics: [...topics].map(([topic, of]) => ({
        topic,
        partitions: of.map(({ partition, from }) => ({
          partition,
          fetchOffset: String(from),
          maxBytes: fetchBytes,
        })),
      })),
    });
    for (const { topicName, partitions } of responses) {
      for (const answer of partitions) {
        const wish = wishes.find((w) => w.topic === topicName && w.partition === answer.partition);
        if (wish === undefined || answer.messages.length === 0 || !this.#wishes.has(wish)) continue;
        const batch = toBatch(wish, answer);
        // What holds nothing from the offset on, such as a batch that ends before it, moves nobody.
        if (batch.nextOffset <= wish.from) continue;
        this.#wishes.delete(wish);
        wish.resolve(batch);
      }
    }
  }

  /** Rejects the one wish that an answer speaks of. */
  #refuse(error: unknown): void {
    if (protocolError(error) !== "OFFSET_OUT_OF_RANGE") return;
    const { topic, partition } = error as { readonly topic?: string; readonly partition?: number };
    for (const wish of this.#wishes) {
      if (wish.topic !== topic || wish.partition !== partition) continue;
      this.#wishes.delete(wish);
      wish.reject(
        new PipelineError(
          "offset_out_of_range",
          `Offset ${wish.from} of ${partitionName(topic, partition)} is not in the log`,
          { cause: error },
        ),
      );
    }
  }
}

/** The records from the wished offset on; a broker sends whole batches, which may begin before. */
function toBatch(
  { topic, partition, from }: Pick<Wish, "topic" | "partition" | "from">,
  { messages }: FetchedPartition,
): LogBatch {
  const decoder = new TextDecoder();
  const records: LogRecord[] = [];
  for (const { offset, timestamp, key, value, isControlRecord } of messages) {
    const at = Number(offset);
    if (at < from || isControlRecord) continue;
    records.push({
      offset: at,
      key: key === null ? "" : decoder.decode(key),
      value: value && new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
      timestamp: Number(timestamp),
    });
  }
  const { firstOffset, lastOffsetDelta } = messages.at(-1)!.batchContext;
  const nextOffset = Number(firstOffset) + lastOffsetDelta + 1;
  return { topic, partition, startOffset: from, nextOffset, records };
}
