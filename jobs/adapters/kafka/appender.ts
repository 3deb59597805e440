/**
 * Appends batches under one producer number. A batch gets its sequence numbers once and keeps them
 * through all attempts, wherever they are sent, so that the brokers recognise every copy of it.
 *
 * The client's own producer numbers a batch anew with each attempt. If one broker fails while
 * another is slow, or if a leader moves after its answer, it sends what was appended under new
 * numbers: the records are there twice.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { type Clock, retry, withTimeout } from "@pipeline/runtime";
import type { Buffer } from "node:buffer";
import {
  type Broker,
  type ClientOptions,
  type Cluster,
  createCluster,
  type ProducerNumber,
} from "./_kafkajs.ts";
import type { KafkaConfig } from "./config.ts";
import { isRetriable, toPipelineError } from "./errors.ts";

/** Most milliseconds between two attempts. */
const LONGEST_PAUSE = 1_000;

/** Sequence numbers are signed integers of 32 bits, which start over from 0. */
const SEQUENCES = 2 ** 31;

/** Records to append to one partition. */
export interface PartitionRecords {
  /** The topic's name on the brokers. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** At least one. */
  readonly messages: readonly { readonly key: Buffer; readonly value: Buffer | null }[];
}

/** A batch with its sequence number; without an offset as long as it is not acknowledged. */
interface Batch extends PartitionRecords {
  readonly firstSequence: number;
  offset?: number;
}

/** What an appender depends on. */
export interface AppenderParts {
  /** Configuration of the adapter. */
  readonly config: KafkaConfig;
  /** Source of time. */
  readonly clock: Clock;
}

/** A connected producer number. After an append that failed, its sequence numbers may be wrong. */
export class Appender {
  readonly #cluster: Cluster;
  readonly #parts: AppenderParts;
  readonly #number: ProducerNumber;
  /** The next sequence number, by topic and partition. */
  readonly #sequences = new Map<string, number>();
  readonly #topics = new Set<string>();

  private constructor(cluster: Cluster, parts: AppenderParts, number: ProducerNumber) {
    this.#cluster = cluster;
    this.#parts = parts;
    this.#number = number;
  }

  /** Connects and obtains a number. */
  static async open(options: ClientOptions, parts: AppenderParts): Promise<Appender> {
    const cluster = createCluster(options);
    const { requestTimeout } = parts.config;
    try {
      const number = await persist("Connecting a producer to Kafka", parts, async () => {
        if (!cluster.isConnected()) await cluster.connect();
        await cluster.refreshMetadataIfNecessary();
        const broker = await cluster.findControllerBroker();
        return await broker.initProducerId({ transactionTimeout: requestTimeout });
      });
      return new Appender(cluster, parts, number);
    } catch (error) {
      await cluster.disconnect().catch(() => {});
      throw error;
    }
  }

  /**
   * Appends records to several partitions, all of which must be different. Resolves with the offset
   * of each partition's first record, in their order, once all in-sync replicas have all of them.
   * Calls must not overlap.
   *
   * @throws {PipelineError} if some could not be appended within `deliveryTimeout`, or are refused:
   * any of them may have been appended.
   */
  async append(all: readonly PartitionRecords[]): Promise<number[]> {
    const batches: Batch[] = all.map((records) => ({
      ...records,
      firstSequence: this.#take(records),
    }));
    await persist("Appending to Kafka", this.#parts, () => this.#attempt(batches));
    return batches.map(({ offset }) => offset!);
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#cluster.disconnect();
  }

  #take({ topic, partition, messages }: PartitionRecords): number {
    const name = `${topic}-${partition}`;
    const first = this.#sequences.get(name) ?? 0;
    this.#sequences.set(name, (first + messages.length) % SEQUENCES);
    return first;
  }

  /** Sends the batches without an answer to their present leaders, and waits for all of these. */
  async #attempt(batches: readonly Batch[]): Promise<void> {
    try {
      if (!this.#cluster.isConnected()) await this.#cluster.connect();
      await this.#learn(batches);
      const left = batches.filter(({ offset }) => offset === undefined);
      const sent = await Promise.allSettled(
        [...Map.groupBy(left, (batch) => this.#leaderOf(batch))].map(async ([leader, some]) => {
          await this.#send(await this.#cluster.findBroker({ nodeId: leader }), some);
        }),
      );
      const errors = sent.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
      if (errors.length > 0) throw errors.find((error) => !isRetriable(error)) ?? errors[0];
    } catch (error) {
      if (isRetriable(error)) await this.#cluster.refreshMetadata().catch(() => {});
      throw error;
    }
  }

  async #learn(batches: readonly Batch[]): Promise<void> {
    const missing = new Set(batches.map(({ topic }) => topic)).difference(this.#topics);
    if (missing.size > 0) {
      await this.#cluster.addMultipleTargetTopics([...missing]);
      for (const topic of missing) this.#topics.add(topic);
    }
    await this.#cluster.refreshMetadataIfNecessary();
  }

  #leaderOf({ topic, partition }: Batch): number {
    const found = this.#cluster.findTopicPartitionMetadata(topic)
      .find(({ partitionId }) => partitionId === partition);
    if (found !== undefined && found.leader >= 0) return found.leader;
    throw new PipelineError("unavailable", `${topic}-${partition} has no leader now`);
  }

  async #send(broker: Broker, batches: readonly Batch[]): Promise<void> {
    const { requestTimeout } = this.#parts.config;
    const topics = Map.groupBy(batches, ({ topic }) => topic);
    const answer = await broker.produce({
      ...this.#number,
      acks: -1,
      timeout: requestTimeout,
      topicData: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    });
    for (const { topicName, partitions } of answer.topics) {
      for (const { partition, baseOffset } of partitions) {
        const batch = batches.find((one) => one.topic === topicName && one.partition === partition);
        const offset = Number(baseOffset);
        // The broker recognises a copy, and no longer knows its offset.
        if (offset < 0) throw new Error(`Kafka names no offset in ${topicName}-${partition}`);
        if (batch !== undefined) batch.offset = offset;
      }
    }
    if (batches.some(({ offset }) => offset === undefined)) {
      throw new Error("Kafka's answer does not name all partitions that were sent");
    }
  }
}

/** Retries for `deliveryTimeout`, in the pipeline's terms; errors that a retry cannot help end it at once. */
async function persist<T>(
  what: string,
  { config: { deliveryTimeout, requestTimeout }, clock }: AppenderParts,
  work: () => Promise<T>,
): Promise<T> {
  const end = clock.monotonic() + deliveryTimeout;
  let final: PipelineError | undefined;
  const result = await retry(async () => {
    try {
      // The client ends requests in time, except one whose connection is closed for another reason.
      return await withTimeout(work, { ms: 2 * requestTimeout, what, clock });
    } catch (error) {
      const problem = toPipelineError(error, what);
      if (isRetriable(error) && clock.monotonic() < end) throw problem;
      final = problem;
      return undefined;
    }
  }, { policy: { base: 100, max: LONGEST_PAUSE }, clock });
  if (final !== undefined) throw final;
  return result as T;
}
