/**
 * A log of which one batch cannot be read: consumers stand still there, as those of Kafka do, until it can.
 *
 * @module
 */

import type { Consumer, EventLog, LogBatch, StoppedPartition, Subscription } from "@pipeline/core";

/** Wraps a log; what is asked of it otherwise, it does itself. */
export class StandingStill {
  /** To be used in place of the log. */
  readonly log: EventLog;
  #at: StoppedPartition | undefined;
  #readable = Promise.withResolvers<void>();

  constructor(log: EventLog) {
    this.log = {
      ensureTopics: (...args) => log.ensureTopics(...args),
      ranges: (topic) => log.ranges(topic),
      producer: () => log.producer(),
      marks: (...args) => log.marks(...args),
      read: (...args) => log.read(...args),
      close: () => log.close(),
      subscribe: (subscription) => this.#subscribe(log, subscription),
    };
  }

  /** From now on nobody reads beyond the offset. */
  standStill({ topic, partition, offset }: Omit<StoppedPartition, "reason" | "why">): string {
    const why = `${topic}-${partition} stands still at offset ${offset}: a test's own reason`;
    this.#at = { topic, partition, offset, reason: "checksum", why };
    return why;
  }

  /** The batch can be read. */
  goOn(): void {
    this.#at = undefined;
    this.#readable.resolve();
    this.#readable = Promise.withResolvers();
  }

  async #subscribe(log: EventLog, subscription: Subscription): Promise<Consumer> {
    const ended = Promise.withResolvers<void>();
    const stopped = new Set<StoppedPartition>();
    const batch = async (delivered: LogBatch): Promise<void> => {
      const at = this.#at;
      const meets = at !== undefined && at.topic === delivered.topic &&
        at.partition === delivered.partition && at.offset >= delivered.startOffset &&
        at.offset < delivered.nextOffset;
      if (!meets) return await subscription.batch(delivered);
      const cut = (records: LogBatch["records"], startOffset: number, nextOffset: number) => ({
        ...delivered,
        startOffset,
        nextOffset,
        records,
      });
      const before = delivered.records.filter(({ offset }) => offset < at.offset);
      if (at.offset > delivered.startOffset) {
        await subscription.batch(cut(before, delivered.startOffset, at.offset));
      }
      stopped.add(at);
      let over = false;
      await Promise.race([this.#readable.promise, ended.promise.then(() => over = true)]);
      stopped.delete(at);
      if (over) return;
      const after = delivered.records.slice(before.length);
      await subscription.batch(cut(after, at.offset, delivered.nextOffset));
    };
    const consumer = await log.subscribe({ ...subscription, batch });
    return {
      done: consumer.done,
      mark: (...args) => consumer.mark(...args),
      get stopped() {
        return [...stopped];
      },
      stop: () => {
        ended.resolve();
        return consumer.stop();
      },
    };
  }
}
