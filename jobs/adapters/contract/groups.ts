/**
 * Consumer groups over any log whose partitions can be watched: the assignment of partitions, and
 * the loop that hands out a partition's batches one at a time. Used by the in-memory log and by the
 * embedded one.
 *
 * @module
 */

import {
  type Consumer,
  type LogBatch,
  type LogRange,
  partitionName,
  PipelineError,
  type Subscription,
} from "@pipeline/core";

/** Default limit of records in a batch. */
export const DEFAULT_MAX_RECORDS = 5_000;

/** Reads one partition, forward from any offset. */
export interface PartitionReader {
  /** At least one record from `from` on, which must be before the partition's end. */
  next(from: number, maxRecords: number): Promise<LogBatch>;
  close(): void;
}

/** The log that groups read from. */
export interface PartitionSource {
  /** Partitions of a topic; throws `not_found` for an unknown one. */
  partitions(topic: string): number;
  range(topic: string, partition: number): LogRange;
  open(topic: string, partition: number): PartitionReader;
  /** Calls the listener on every change of the range, until the returned function is called. */
  watch(topic: string, partition: number, listener: () => void): () => void;
}

/** A partition about to be read for a group. */
export interface Delivery {
  /** The reading group. */
  readonly group: string;
  /** The partition's topic. */
  readonly topic: string;
  /** The partition's number. */
  readonly partition: number;
  /** The position after the last handled batch. */
  readonly position: number;
  /** The current range of the partition. */
  readonly range: LogRange;
}

/** How groups behave; by default without faults. */
export interface GroupOptions {
  /**
   * A position to read from instead of the due one: redelivery. Called before each batch;
   * `undefined` leaves the position unchanged.
   */
  readonly redeliver?: ((delivery: Delivery) => number | undefined) | undefined;
  /**
   * Reassigns partitions at once, while their old owner still handles a batch, as
   * a broker does with a member whose session has expired. Otherwise a rebalance waits.
   */
  readonly abrupt?: boolean | undefined;
}

/** The error for positions outside of a partition's range. */
export function outOfRange(
  topic: string,
  range: LogRange,
  from: number,
  to: number,
): PipelineError {
  const name = partitionName(topic, range.partition);
  const held = `the log holds ${range.earliest} to ${range.end} (exclusive)`;
  const lost = from < range.earliest
    ? `offsets ${from} to ${Math.min(to, range.earliest)} (exclusive) of ${name} are gone`
    : `offsets ${range.end} to ${to} (exclusive) of ${name} are not there yet`;
  return new PipelineError("offset_out_of_range", `Out of range: ${lost}; ${held}`);
}

/** All groups of one log. */
export class ConsumerGroups {
  readonly #source: PartitionSource;
  readonly #options: GroupOptions;
  readonly #groups = new Map<string, Group>();

  constructor(source: PartitionSource, options: GroupOptions = {}) {
    this.#source = source;
    this.#options = options;
  }

  /** Adds a member, which starts a rebalance. Throws `not_found` for an unknown topic. */
  join(subscription: Subscription): Consumer {
    for (const topic of subscription.topics) this.#source.partitions(topic);
    let group = this.#groups.get(subscription.group);
    if (group === undefined) {
      group = new Group(this.#source, this.#options);
      this.#groups.set(subscription.group, group);
    }
    return group.join(subscription);
  }

  /** See `EventLog.marks`. */
  marks(group: string, topic: string): number[] {
    const marks = this.#groups.get(group)?.marks;
    return Array.from(
      { length: this.#source.partitions(topic) },
      (_, partition) => marks?.get(partitionName(topic, partition)) ?? -1,
    );
  }
}

class Group {
  readonly members: Member[] = [];
  readonly marks = new Map<string, number>();
  #rebalancing: Promise<void> | undefined;
  #again = false;

  constructor(readonly source: PartitionSource, readonly options: GroupOptions) {}

  join(subscription: Subscription): Member {
    const member = new Member(this, subscription);
    this.members.push(member);
    this.rebalance();
    return member;
  }

  leave(member: Member): void {
    const index = this.members.indexOf(member);
    if (index < 0) return;
    this.members.splice(index, 1);
    this.rebalance();
  }

  /** Rebalances now, or once more after the current rebalance. */
  rebalance(): void {
    this.#again = true;
    this.#rebalancing ??= this.#run();
  }

  async #run(): Promise<void> {
    // One turn later, so that members that join together are assigned together.
    await Promise.resolve();
    while (this.#again) {
      this.#again = false;
      const released = this.members.map((member) => member.release());
      if (!this.options.abrupt) await Promise.all(released);
      if (!this.#again) this.#assign();
    }
    this.#rebalancing = undefined;
  }

  /** Partition p of every topic goes to one member, so that keys shared by topics stay together. */
  #assign(): void {
    const topics = new Set(this.members.flatMap((member) => member.subscription.topics));
    for (const topic of topics) {
      const takers = this.members.filter((member) => member.subscription.topics.includes(topic));
      const partitions = this.source.partitions(topic);
      for (let partition = 0; partition < partitions; partition++) {
        takers[partition % takers.length]!.assign(topic, partition);
      }
    }
  }
}

class Member implements Consumer {
  readonly done: Promise<void>;
  readonly subscription: Subscription;
  readonly #group: Group;
  readonly #loops = new Map<string, Loop>();
  #ending: Promise<void> | undefined;
  #settle!: { resolve(): void; reject(error: unknown): void };
  #failure: { error: unknown } | undefined;

  constructor(group: Group, subscription: Subscription) {
    this.#group = group;
    this.subscription = subscription;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#settle = { resolve, reject };
    // Callers that only stop the consumer need not handle the failure of `done`.
    this.done.catch(() => {});
  }

  stop(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  mark(topic: string, partition: number, offset: number): Promise<void> {
    this.#group.marks.set(partitionName(topic, partition), offset);
    return Promise.resolve();
  }

  /** Ends the loops of the current assignment, and marks it as released. */
  async release(): Promise<void> {
    await Promise.all([...this.#loops.values()].map(async (loop) => {
      if (loop.ended) return await loop.over;
      loop.end();
      await loop.over;
      if (this.#ending !== undefined) return;
      try {
        await this.subscription.revoked?.(loop.topic, loop.partition);
      } catch (error) {
        this.#fail(error);
      }
    }));
  }

  assign(topic: string, partition: number): void {
    if (this.#ending !== undefined) return;
    const name = partitionName(topic, partition);
    const before = this.#loops.get(name);
    const loop = new Loop(this.#group, this.subscription, topic, partition);
    this.#loops.set(name, loop);
    loop.start(before?.over, (error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.stop();
  }

  async #end(): Promise<void> {
    const loops = [...this.#loops.values()];
    for (const loop of loops) loop.end();
    await Promise.all(loops.map((loop) => loop.over));
    this.#group.leave(this);
    if (this.#failure === undefined) this.#settle.resolve();
    else this.#settle.reject(this.#failure.error);
  }
}

/** Reads one partition for one member until it is stopped. */
class Loop {
  over: Promise<void> = Promise.resolve();
  ended = false;
  #wake: (() => void) | undefined;

  constructor(
    readonly group: Group,
    readonly subscription: Subscription,
    readonly topic: string,
    readonly partition: number,
  ) {}

  start(after: Promise<void> | undefined, failed: (error: unknown) => void): void {
    this.over = (after ?? Promise.resolve()).then(() => this.#run()).catch(failed);
  }

  end(): void {
    this.ended = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    if (this.ended) return;
    const { topic, partition, group: { source }, subscription } = this;
    let position = await subscription.start(topic, partition);
    const reader = source.open(topic, partition);
    const unwatch = source.watch(topic, partition, () => this.#wake?.());
    try {
      while (!this.ended) {
        const range = source.range(topic, partition);
        const from = this.#from(position, range);
        if (from < range.earliest || from > range.end) {
          throw outOfRange(topic, range, from, Math.max(from, range.end));
        }
        if (from === range.end) {
          await new Promise<void>((resolve) => this.#wake = resolve);
          this.#wake = undefined;
          continue;
        }
        const batch = await reader.next(from, subscription.maxRecords ?? DEFAULT_MAX_RECORDS);
        if (this.ended) return;
        await subscription.batch(batch);
        position = batch.nextOffset;
      }
    } finally {
      unwatch();
      reader.close();
    }
  }

  #from(position: number, range: LogRange): number {
    const { topic, partition, subscription: { group } } = this;
    return this.group.options.redeliver?.({ group, topic, partition, position, range }) ?? position;
  }
}
