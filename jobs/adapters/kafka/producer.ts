/**
 * Appends records: collected for a moment, sent in one request per broker, acknowledged by all
 * in-sync replicas. One append is pending at a time.
 *
 * @module
 */

import {
  type Acknowledgement,
  hasCode,
  type LogProducer,
  partitionFor,
  partitionName,
  PipelineError,
  type ProducerRecord,
} from "@pipeline/core";
import type { Clock, Logger } from "@pipeline/runtime";
import { Buffer } from "node:buffer";
import type { Appender } from "./appender.ts";
import type { KafkaConfig } from "./config.ts";
import { toPipelineError } from "./errors.ts";

/** Dependencies of a producer. */
export interface ProducerParts {
  /** Configuration of the adapter. */
  readonly config: KafkaConfig;
  /** Source of time. */
  readonly clock: Clock;
  /** Logs the replacement of an appender. */
  readonly logger?: Logger | undefined;
  /** Opens a connected appender. */
  connect(): Promise<Pick<Appender, "append" | "close">>;
  /** Number of a topic's partitions. Rejects with `not_found` for an unknown topic. */
  partitions(topic: string): Promise<number>;
  /** The topic's name on the brokers. */
  nameOf(topic: string): string;
}

/** Most bytes of a record besides key and value: four varints and a length. */
const OVERHEAD = 32;

/** Most bytes of one send to all partitions together. */
const SEND_BYTES = 8 << 20;

interface Call {
  readonly acknowledgements: Acknowledgement[];
  left: number;
  failed: boolean;
  resolve(acknowledgements: Acknowledgement[]): void;
  reject(error: unknown): void;
}

interface Pending {
  readonly topic: string;
  readonly partition: number;
  /** Name of topic and partition. */
  readonly name: string;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly bytes: number;
  readonly call: Call;
  /** Index of its acknowledgement. */
  readonly index: number;
}

/** A producer with a queue. */
export class KafkaProducer implements LogProducer {
  readonly #parts: ProducerParts;
  /** Undefined after a failed send: its sequence numbers may differ from the broker's. */
  #appender: Pick<Appender, "append" | "close"> | undefined;
  #queue: Pending[] = [];
  #queued = 0;
  #order: Promise<void> = Promise.resolve();
  #draining: Promise<void> | undefined;
  #whenSent: (() => void)[] = [];
  #closed = false;

  private constructor(parts: ProducerParts, appender: Pick<Appender, "append" | "close">) {
    this.#parts = parts;
    this.#appender = appender;
  }

  /** Opens a connected producer. */
  static async open(parts: ProducerParts): Promise<KafkaProducer> {
    return new KafkaProducer(parts, await parts.connect());
  }

  /** See {@linkcode LogProducer.send}. */
  send(records: readonly ProducerRecord[]): Promise<Acknowledgement[]> {
    if (this.#closed) {
      return Promise.reject(new PipelineError("stopped", "The producer is closed"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Acknowledgement[]>();
    const call: Call = {
      acknowledgements: new Array(records.length),
      left: records.length,
      failed: false,
      resolve,
      reject,
    };
    // Calls are serialised: a later one must not overtake one that waits for space.
    this.#order = this.#order.then(() => this.#enqueue(records, call)).catch(reject);
    return promise;
  }

  /** See {@linkcode LogProducer.close}. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#order;
    await this.#draining;
    await this.#appender?.close();
  }

  async #enqueue(records: readonly ProducerRecord[], call: Call): Promise<void> {
    if (records.length === 0) return call.resolve([]);
    const pending = await this.#place(records, call);
    const bytes = pending.reduce((sum, record) => sum + record.bytes, 0);
    while (this.#queued > 0 && this.#queued + bytes > this.#parts.config.bufferBytes) {
      await new Promise<void>((resolve) => this.#whenSent.push(resolve));
    }
    this.#queued += bytes;
    for (const record of pending) this.#queue.push(record);
    this.#draining ??= this.#drain().finally(() => this.#draining = undefined);
  }

  /**
   * Selects each record's partition. All or nothing: one record that is too large rejects the call.
   */
  async #place(records: readonly ProducerRecord[], call: Call): Promise<Pending[]> {
    const { config: { maxRecordBytes }, partitions } = this.#parts;
    const counts = new Map<string, number>();
    for (const { topic } of records) {
      if (!counts.has(topic)) counts.set(topic, await partitions(topic));
    }
    return records.map(({ topic, key, value, ...record }, index) => {
      const count = counts.get(topic)!;
      const partition = record.partition ?? partitionFor(key, count);
      if (!Number.isInteger(partition) || partition < 0 || partition >= count) {
        throw new PipelineError("invalid", `Topic ${topic} has no partition ${partition}`);
      }
      const keyBytes = Buffer.from(key);
      const size = keyBytes.length + (value?.length ?? 0);
      if (size > maxRecordBytes) {
        throw new PipelineError(
          "too_large",
          `A record of ${topic} has ${size} bytes; the limit is ${maxRecordBytes}`,
        );
      }
      return {
        topic,
        partition,
        name: partitionName(topic, partition),
        key: keyBytes,
        value: value && Buffer.from(value.buffer, value.byteOffset, value.byteLength),
        bytes: size + OVERHEAD,
        call,
        index,
      };
    });
  }

  async #drain(): Promise<void> {
    const { linger } = this.#parts.config;
    if (linger > 0) await this.#parts.clock.sleep(linger);
    while (this.#queue.length > 0) {
      const batch = this.#take();
      try {
        await this.#append(batch);
      } catch (error) {
        await this.#failed(batch, error);
      }
      for (const wake of this.#whenSent.splice(0)) wake();
    }
  }

  /** The first records of the queue that fit into one send. */
  #take(): Pending[] {
    const { batchBytes } = this.#parts.config;
    const sizes = new Map<string, number>();
    let total = 0;
    let count = 0;
    for (const { name, bytes } of this.#queue) {
      const size = (sizes.get(name) ?? 0) + bytes;
      if (count > 0 && (size > batchBytes || total + bytes > SEND_BYTES)) break;
      sizes.set(name, size);
      total += bytes;
      count++;
    }
    this.#queued -= total;
    return this.#queue.splice(0, count);
  }

  /** Appends the records and settles their calls. */
  async #append(batch: readonly Pending[]): Promise<void> {
    this.#appender ??= await this.#parts.connect();
    const groups = [...Map.groupBy(batch, ({ name }) => name).values()];
    const offsets = await this.#appender.append(groups.map((messages) => {
      const { topic, partition } = messages[0]!;
      return { topic: this.#parts.nameOf(topic), partition, messages };
    }));
    for (const [g, records] of groups.entries()) {
      for (const [i, { topic, partition, call, index }] of records.entries()) {
        call.acknowledgements[index] = { topic, partition, offset: offsets[g]! + i };
        if (--call.left === 0) call.resolve(call.acknowledgements);
      }
    }
  }

  /**
   * Rejects the calls, sends nothing more of them, and replaces the appender before any other send.
   */
  async #failed(batch: readonly Pending[], cause: unknown): Promise<void> {
    const problem = toPipelineError(cause, "Appending to Kafka");
    const error = hasCode(problem, "too_large")
      // The record is small enough, as was checked: dividing the batch would duplicate other
      // records.
      ? new PipelineError(
        "invalid",
        "The brokers accept less in one batch than batchBytes: raise the topic's max.message.bytes",
        { cause },
      )
      : problem;
    const calls = new Set(batch.map(({ call }) => call));
    for (const call of calls) {
      call.failed = true;
      call.reject(error);
    }
    const dropped = this.#queue.filter(({ call }) => call.failed);
    this.#queue = this.#queue.filter(({ call }) => !call.failed);
    for (const { bytes } of dropped) this.#queued -= bytes;
    this.#parts.logger?.warn("Replace the producer: it is unknown which records were appended", {
      error,
    });
    const appender = this.#appender;
    this.#appender = undefined;
    await appender?.close().catch(() => {});
  }
}
