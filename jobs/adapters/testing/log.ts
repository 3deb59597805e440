// deno-lint-ignore-file require-await -- Async so that errors reject and never throw.
/**
 * The log in memory: complete port semantics, deterministic, for tests and simulation. Its state
 * outlives the jobs on it, like a server's.
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
  type LogRecord,
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

/** Records of a batch of `read`. */
const READ_RECORDS = 5_000;

/** Options of the log. */
export interface MemoryLogOptions extends GroupOptions {
  /** The log's own clock in milliseconds since 1970. The machine's by default. */
  readonly clock?: () => number;
  /** Largest record, key and value, in bytes; 1 MiB by default. */
  readonly maxRecordBytes?: number;
}

interface MemoryPartition {
  records: LogRecord[];
  earliest: number;
  end: number;
  timestamp: number;
  readonly listeners: Set<() => void>;
}

/** The state that the handles of one log share. */
class LogState implements PartitionSource {
  readonly topics = new Map<string, MemoryPartition[]>();
  readonly clock: () => number;
  readonly maxRecordBytes: number;
  readonly groups: ConsumerGroups;

  constructor(options: MemoryLogOptions) {
    this.clock = options.clock ?? Date.now;
    this.maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
    this.groups = new ConsumerGroups(this, options);
  }

  partitions(topic: string): number {
    return this.topic(topic).length;
  }

  topic(topic: string): MemoryPartition[] {
    const partitions = this.topics.get(topic);
    if (partitions !== undefined) return partitions;
    throw new PipelineError("not_found", `There is no topic ${JSON.stringify(topic)}`);
  }

  partition(topic: string, partition: number): MemoryPartition {
    const found = this.topic(topic)[partition];
    if (found !== undefined) return found;
    throw new PipelineError("not_found", `Topic ${topic} has no partition ${partition}`);
  }

  range(topic: string, partition: number): LogRange {
    const { earliest, end } = this.partition(topic, partition);
    return { partition, earliest, end };
  }

  open(topic: string, partition: number) {
    return {
      next: (from: number, max: number) => Promise.resolve(this.slice(topic, partition, from, max)),
      close() {},
    };
  }

  watch(topic: string, partition: number, listener: () => void): () => void {
    const { listeners } = this.partition(topic, partition);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Up to `max` records from `from` on; the batch includes the gaps that follow them. */
  slice(topic: string, partition: number, from: number, max: number, to = Infinity): LogBatch {
    const { records, end } = this.partition(topic, partition);
    const first = lowerBound(records, from);
    const last = Math.min(first + max, lowerBound(records, to));
    const next = records[last]?.offset ?? end;
    return {
      topic,
      partition,
      startOffset: from,
      nextOffset: Math.min(next, to),
      records: records.slice(first, last),
    };
  }

  append(records: readonly ProducerRecord[]): Acknowledgement[] {
    const targets = records.map((record) => {
      const count = this.partitions(record.topic);
      const partition = record.partition ?? partitionFor(record.key, count);
      checkPartition(record, partition, count);
      checkSize(record, this.maxRecordBytes);
      return partition;
    });
    const touched = new Set<MemoryPartition>();
    const acknowledgements = records.map(({ topic, key, value }, i) => {
      const partition = this.partition(topic, targets[i]!);
      partition.timestamp = Math.max(partition.timestamp, this.clock());
      const offset = partition.end++;
      const copy = value === null ? null : value.slice();
      partition.records.push({ offset, key, value: copy, timestamp: partition.timestamp });
      touched.add(partition);
      return { topic, partition: targets[i]!, offset };
    });
    for (const partition of touched) notify(partition);
    return acknowledgements;
  }
}

function notify(partition: MemoryPartition): void {
  for (const listener of [...partition.listeners]) listener();
}

/** Index of the first record at or after an offset. */
function lowerBound(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function emptyPartition(): MemoryPartition {
  return { records: [], earliest: 0, end: 0, timestamp: 0, listeners: new Set() };
}

/** A log in memory. {@linkcode MemoryEventLog.connect} returns more handles on the same state. */
export class MemoryEventLog implements EventLog {
  #state: LogState;
  readonly #consumers = new Set<Consumer>();
  #closed = false;

  /** Creates an empty log. */
  constructor(options: MemoryLogOptions = {}) {
    this.#state = new LogState(options);
  }

  /** Another handle on the same log, with consumers and a lifetime of its own. */
  connect(): MemoryEventLog {
    const handle = new MemoryEventLog();
    handle.#state = this.#state;
    return handle;
  }

  /** See {@linkcode EventLog.ensureTopics}. */
  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#check();
    for (const { topic, partitions } of specs) {
      checkTopic(topic, partitions);
      const found = this.#state.topics.get(topic)?.length;
      if (found !== undefined && found !== partitions) {
        throw new PipelineError(
          "conflict",
          `Topic ${topic} has ${found} partitions, not ${partitions}`,
        );
      }
    }
    for (const { topic, partitions } of specs) {
      if (!this.#state.topics.has(topic)) this.recreate(topic, partitions);
    }
  }

  /** See {@linkcode EventLog.ranges}. */
  async ranges(topic: string): Promise<LogRange[]> {
    this.#check();
    return this.#state.topic(topic).map((_, partition) => this.#state.range(topic, partition));
  }

  /** See {@linkcode EventLog.producer}. */
  async producer(): Promise<LogProducer> {
    this.#check();
    let closed = false;
    return {
      send: async (records) => {
        this.#check();
        if (closed) throw stopped("producer");
        return this.#state.append(records);
      },
      close: () => Promise.resolve(void (closed = true)),
    };
  }

  /** See {@linkcode EventLog.subscribe}. */
  async subscribe(subscription: Subscription): Promise<Consumer> {
    this.#check();
    const consumer = this.#state.groups.join(subscription);
    this.#consumers.add(consumer);
    consumer.done.catch(() => {}).finally(() => this.#consumers.delete(consumer));
    return consumer;
  }

  /** See {@linkcode EventLog.marks}. */
  async marks(group: string, topic: string): Promise<number[]> {
    this.#check();
    return this.#state.groups.marks(group, topic);
  }

  /** See {@linkcode EventLog.read}. */
  async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
  ): AsyncGenerator<LogBatch> {
    let position = from;
    do {
      this.#check();
      const range = this.#state.range(topic, partition);
      if (to <= position) return;
      if (position < range.earliest || to > range.end) throw outOfRange(topic, range, position, to);
      const batch = this.#state.slice(topic, partition, position, READ_RECORDS, to);
      position = batch.nextOffset;
      yield batch;
    } while (position < to);
  }

  /** See {@linkcode EventLog.close}. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
  }

  /** Deletes the records before `earliest`, as retention does. */
  truncate(topic: string, partition: number, earliest: number): void {
    const found = this.#state.partition(topic, partition);
    if (earliest < found.earliest || earliest > found.end) {
      throw new PipelineError("invalid", `Cannot truncate ${topic}-${partition} at ${earliest}`);
    }
    found.earliest = earliest;
    found.records = found.records.slice(lowerBound(found.records, earliest));
    notify(found);
  }

  /** Leaves `offsets` positions without a record, as transaction markers and compaction do. */
  gap(topic: string, partition: number, offsets: number): void {
    const found = this.#state.partition(topic, partition);
    found.end += offsets;
    notify(found);
  }

  /** Deletes the topic and recreates it, empty, from offset 0. */
  recreate(topic: string, partitions: number = this.#state.partitions(topic)): void {
    checkTopic(topic, partitions);
    const old = this.#state.topics.get(topic) ?? [];
    this.#state.topics.set(topic, Array.from({ length: partitions }, emptyPartition));
    for (const [index, { listeners }] of old.entries()) {
      const heir = this.#state.topic(topic)[index];
      for (const listener of listeners) {
        heir?.listeners.add(listener);
        listener();
      }
    }
  }

  #check(): void {
    if (this.#closed) throw stopped("log");
  }
}

/** A log whose `subscribe` is another one. */
export function withSubscribe(log: EventLog, subscribe: EventLog["subscribe"]): EventLog {
  return new Proxy(log, {
    get: (target, name: keyof EventLog) =>
      name === "subscribe" ? subscribe : (target[name] as () => unknown).bind(target),
  });
}
