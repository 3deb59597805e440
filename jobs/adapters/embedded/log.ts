/**
 * The log on one machine's disk: one folder per topic, and in it one per partition.
 *
 * Order and offsets are those of the calls to `send`; an acknowledged record outlives the process
 * (or the machine, see {@linkcode Durability}). One process appends; others may read at the same
 * time.
 *
 * @module
 */

import {
  type Acknowledgement,
  type Consumer,
  type EventLog,
  type LogBatch,
  type LogProducer,
  type LogRange,
  partitionFor,
  PipelineError,
  type ProducerRecord,
  type Subscription,
  type TopicSpec,
} from "@pipeline/core";
import {
  ConsumerGroups,
  type GroupOptions,
  outOfRange,
  type PartitionSource,
} from "../contract/groups.ts";
import {
  checkPartition,
  checkSize,
  checkTopic,
  DEFAULT_MAX_RECORD_BYTES,
  stopped,
} from "../contract/rules.ts";
import { Breather, type Durability, fileError } from "./io.ts";
import { type NewRecord, Partition, type PartitionOptions } from "./partition.ts";
import { EmbeddedReader, readRange } from "./partition_reader.ts";

/** Records of a batch of `read`. */
const READ_RECORDS = 5_000;

/** How the log is opened. */
export interface EmbeddedLogOptions extends GroupOptions {
  /** `process` by default. */
  readonly durability?: Durability | undefined;
  /** Opens it beside the process that writes it: for reading, without consumers. */
  readonly readOnly?: boolean | undefined;
  /** The log's own clock in milliseconds since 1970. The machine's by default. */
  readonly clock?: (() => number) | undefined;
  /** Largest record, key and value, in bytes; 1 MiB by default. */
  readonly maxRecordBytes?: number | undefined;
  /** Size of a segment file in bytes; 32 MiB by default. */
  readonly segmentBytes?: number | undefined;
}

/** Content of the file in a topic's folder. */
interface TopicFile {
  readonly format: 1;
  readonly topic: string;
  readonly partitions: number;
}

/** The log in a folder. */
export class EmbeddedLog implements EventLog {
  /** Location of the log. */
  readonly folder: string;
  readonly #options: PartitionOptions;
  readonly #maxRecordBytes: number;
  readonly #topics = new Map<string, Partition[]>();
  readonly #groups: ConsumerGroups;
  readonly #consumers = new Set<Consumer>();
  readonly #sending = new Set<Promise<unknown>>();
  #closed = false;

  /** Opens the log; the last segment of each partition is read and checked. */
  constructor(folder: string, options: EmbeddedLogOptions = {}) {
    this.folder = folder;
    this.#maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
    this.#groups = new ConsumerGroups(this.#source(), options);
    this.#options = {
      segmentBytes: options.segmentBytes ?? 32 << 20,
      durability: options.durability ?? "process",
      clock: options.clock ?? Date.now,
      readOnly: options.readOnly === true,
    };
    try {
      if (!this.#options.readOnly) Deno.mkdirSync(folder, { recursive: true });
      this.#load();
    } catch (error) {
      throw fileError(error, `Cannot open log ${folder}`);
    }
  }

  /** See {@linkcode EventLog.ensureTopics}. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#check();
    for (const { topic, partitions } of specs) {
      checkTopic(topic, partitions);
      const found = this.#topics.get(topic)?.length ?? partitions;
      if (found === partitions) continue;
      throw new PipelineError(
        "conflict",
        `Topic ${topic} has ${found} partitions, not ${partitions}`,
      );
    }
    for (const { topic, partitions } of specs) {
      if (!this.#topics.has(topic)) this.#create(topic, partitions);
    }
  }

  /** See {@linkcode EventLog.ranges}. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async ranges(topic: string): Promise<LogRange[]> {
    this.#check();
    return this.#fresh(topic).map((partition) => partition.range);
  }

  /** See {@linkcode EventLog.producer}. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async producer(): Promise<LogProducer> {
    this.#check();
    this.#checkWritable();
    const sending = new Set<Promise<unknown>>();
    const breather = new Breather();
    let closed = false;
    return {
      send: async (records) => {
        this.#check();
        if (closed) throw stopped("producer");
        const sent = this.#send(records);
        sending.add(sent);
        this.#sending.add(sent);
        try {
          return await sent;
        } finally {
          sending.delete(sent);
          this.#sending.delete(sent);
          await breather.breathe();
        }
      },
      close: async () => {
        closed = true;
        await Promise.allSettled(sending);
      },
    };
  }

  /** See {@linkcode EventLog.subscribe}. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async subscribe(subscription: Subscription): Promise<Consumer> {
    this.#check();
    this.#checkWritable();
    const consumer = this.#groups.join(subscription);
    this.#consumers.add(consumer);
    const forget = () => this.#consumers.delete(consumer);
    consumer.done.then(forget, forget);
    return consumer;
  }

  /** See {@linkcode EventLog.marks}; marks do not outlive the process. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async marks(group: string, topic: string): Promise<number[]> {
    this.#check();
    this.#fresh(topic);
    return this.#groups.marks(group, topic);
  }

  /** See {@linkcode EventLog.read}. */
  async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
  ): AsyncGenerator<LogBatch> {
    this.#check();
    const found = this.#fresh(topic)[partition] ?? this.#partition(topic, partition);
    if (from >= to) return;
    const { range } = found;
    if (from < range.earliest || to > range.end) throw outOfRange(topic, range, from, to);
    for await (const batch of readRange(topic, found, from, to, READ_RECORDS)) {
      yield batch;
      this.#check();
    }
  }

  /** See {@linkcode EventLog.close}. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    await Promise.allSettled(this.#sending);
    for (const partition of [...this.#topics.values()].flat()) partition.close();
  }

  /** Deletes the records before `earliest`: retention, as far as whole segments allow. */
  truncate(topic: string, partition: number, earliest: number): void {
    this.#check();
    this.#checkWritable();
    this.#partition(topic, partition).truncate(earliest);
  }

  /** The log as consumer groups see it. */
  #source(): PartitionSource {
    return {
      partitions: (topic) => this.#topic(topic).length,
      range: (topic, partition) => this.#partition(topic, partition).range,
      open: (topic, partition) => new EmbeddedReader(topic, this.#partition(topic, partition)),
      watch: (topic, partition, listener) => {
        const { listeners } = this.#partition(topic, partition);
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
  }

  async #send(records: readonly ProducerRecord[]): Promise<Acknowledgement[]> {
    const targets = new Map<Partition, NewRecord[]>();
    const slots = records.map((record) => {
      const { topic, key } = record;
      const partitions = this.#topic(topic);
      const number = record.partition ?? partitionFor(key, partitions.length);
      checkPartition(record, number, partitions.length);
      checkSize(record, this.#maxRecordBytes);
      const partition = partitions[number]!;
      const queue = targets.get(partition) ?? [];
      targets.set(partition, queue);
      return { topic, partition, index: queue.push(record) - 1 };
    });
    const appended = [...targets].map(async ([partition, queue]) =>
      [partition, await partition.append(queue)] as const
    );
    // All are awaited, so that nothing is pending after a failure.
    const results = await Promise.allSettled(appended);
    const first = new Map<Partition, number>();
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
      first.set(...result.value);
    }
    return slots.map(({ topic, partition, index }) => ({
      topic,
      partition: partition.number,
      offset: first.get(partition)! + index,
    }));
  }

  #create(topic: string, partitions: number): void {
    this.#checkWritable();
    const folder = `${this.folder}/${topic}`;
    try {
      const opened = this.#openPartitions(topic, partitions);
      const file: TopicFile = { format: 1, topic, partitions };
      Deno.writeTextFileSync(`${folder}/topic.tmp`, JSON.stringify(file));
      Deno.renameSync(`${folder}/topic.tmp`, `${folder}/topic.json`);
      this.#topics.set(topic, opened);
    } catch (error) {
      throw fileError(error, `Cannot create topic ${topic}`);
    }
  }

  /** Opens the topics that are not open yet. */
  #load(): void {
    for (const { name, isDirectory } of Deno.readDirSync(this.folder)) {
      if (!isDirectory || this.#topics.has(name)) continue;
      let text: string;
      try {
        text = Deno.readTextFileSync(`${this.folder}/${name}/topic.json`);
      } catch (error) {
        // Without the file, the topic's creation was not finished.
        if (error instanceof Deno.errors.NotFound) continue;
        throw error;
      }
      const { format, partitions } = JSON.parse(text) as TopicFile;
      if (format !== 1) {
        throw new PipelineError("invalid", `Topic ${name} has format ${format}, not 1`);
      }
      this.#topics.set(name, this.#openPartitions(name, partitions));
    }
  }

  #openPartitions(topic: string, count: number): Partition[] {
    return Array.from({ length: count }, (_, number) => {
      const folder = `${this.folder}/${topic}/${number}`;
      return new Partition(`${topic}-${number}`, folder, number, this.#options);
    });
  }

  /** The current partitions, even if another process writes them. */
  #fresh(topic: string): Partition[] {
    if (!this.#options.readOnly) return this.#topic(topic);
    try {
      if (!this.#topics.has(topic)) this.#load();
      const partitions = this.#topic(topic);
      for (const partition of partitions) partition.refresh();
      return partitions;
    } catch (error) {
      throw fileError(error, `Cannot read topic ${topic}`);
    }
  }

  #topic(topic: string): Partition[] {
    const partitions = this.#topics.get(topic);
    if (partitions !== undefined) return partitions;
    throw new PipelineError("not_found", `There is no topic ${JSON.stringify(topic)}`);
  }

  #partition(topic: string, partition: number): Partition {
    const found = this.#topic(topic)[partition];
    if (found !== undefined) return found;
    throw new PipelineError("not_found", `Topic ${topic} has no partition ${partition}`);
  }

  #check(): void {
    if (this.#closed) throw stopped("log");
  }

  #checkWritable(): void {
    if (!this.#options.readOnly) return;
    throw new PipelineError("invalid", `Log ${this.folder} is opened for reading only`);
  }
}
