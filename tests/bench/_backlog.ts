/**
 * A log that is as long as after some minutes of live records, made as fast as it is taken.
 *
 * @module
 */

import { type EventLog, keyOf, recordBytes, topicOf } from "@pipeline/core";
import { Model } from "@pipeline/generator";
import { BATCH } from "./_servers.ts";

/** Number of the live run: its ids differ from those of the generator beside it. */
const RUN = 99;

/** What the log is to hold. */
export interface Backlog {
  /** Records a second. */
  readonly rate: number;
  /** Milliseconds of records that end now. */
  readonly duration: number;
}

/** Appends the records, each with the time at which it would have come; returns their number. */
export async function appendBacklog(log: EventLog, { rate, duration }: Backlog): Promise<number> {
  const model = new Model({ seed: 1, run: RUN });
  const count = rate * duration / 1000;
  const begin = Date.now() - duration;
  const producer = await log.producer();
  const underWay: Promise<unknown>[] = [];
  try {
    for (let at = 0; at < count; at += BATCH) {
      const records = Array.from({ length: Math.min(BATCH, count - at) }, (_, i) => {
        const record = model.next(Math.floor(begin + (at + i) * 1000 / rate));
        return { topic: topicOf(record), key: keyOf(record), value: recordBytes(record) };
      });
      underWay.push(producer.send(records));
      if (underWay.length > 8) await underWay.shift();
    }
    await Promise.all(underWay);
  } finally {
    await producer.close();
  }
  return count;
}
