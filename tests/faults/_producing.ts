/**
 * Records that tests produce beside the generator, written into the same ledger.
 *
 * @module
 */

import {
  admitRecord,
  DAY,
  encodeRecord,
  type Entity,
  type EventLog,
  hashBytes,
  idOf,
  keyOf,
  type LogRecord,
  type ProducerRecord,
  RecordError,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import { openLedger } from "@pipeline/protocol";

/** Records of each partition that are taken up. */
const TAKEN = 300;

/**
 * Produces the last records of every partition once more, the last one first, and as many that are
 * new and dated three days back.
 */
export async function produceAgain(
  log: EventLog,
  ledgerPath: string,
): Promise<{ readonly again: number; readonly late: number }> {
  const encoder = new TextEncoder();
  const again: (ProducerRecord & { readonly id: string })[] = [];
  const late: typeof again = [];
  for (const topic of TOPICS) {
    for (const { partition, earliest, end } of await log.ranges(topic)) {
      for await (const batch of log.read(topic, partition, Math.max(earliest, end - TAKEN), end)) {
        for (const found of batch.records) {
          const record = usable(topic, found);
          if (record === undefined) continue;
          const { key, value } = found;
          again.push({ topic, partition, key, value, id: idOf(record) });
          const old = daysBack(record);
          const bytes = encoder.encode(encodeRecord(old));
          late.push({ topic, key: keyOf(old), value: bytes, id: idOf(old) });
        }
      }
    }
  }
  again.reverse();
  const producer = await log.producer();
  const ledger = await openLedger(ledgerPath);
  try {
    for (const records of [again, late]) {
      const acknowledgements = await producer.send(records);
      await ledger.append(records.map(({ id, value }, i) => ({
        ...acknowledgements[i]!,
        id,
        hash: hashBytes(value!),
      })));
    }
  } finally {
    await ledger.close();
    await producer.close();
  }
  return { again: again.length, late: late.length };
}

/** The record as the folds take it, if they do. */
function usable(topic: Topic, record: LogRecord): Entity | undefined {
  try {
    return admitRecord(topic, record.value, record.timestamp);
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

/** Another entity, three days older. */
function daysBack(record: Entity): Entity {
  const times = {
    created_utc: record.created_utc - 3 * DAY,
    timestamp: record.timestamp - 3 * DAY,
  };
  switch (record.kind) {
    case "post":
      return { ...record, ...times, post_id: `${record.post_id}_old` };
    case "comment":
      return { ...record, ...times, comment_id: `${record.comment_id}_old` };
    case "user":
      return { ...record, ...times, user_id: `${record.user_id}_old` };
  }
}
