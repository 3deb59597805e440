/**
 * Checks whether the log is still the one that dataset and views were made from: topics can be
 * deleted and recreated, and offsets alone do not reveal it.
 *
 * @module
 */

import { type EventLog, hashBytes, hashText, partitionName, PipelineError } from "@pipeline/core";
import type { LogRecord, Topic } from "@pipeline/core";
import type { Commit } from "./commit.ts";

/** Hash of a record's key and value, 16 hexadecimal digits. */
export function recordHash(record: Pick<LogRecord, "key" | "value">): string {
  const value = record.value === null ? "tombstone" : hashBytes(record.value);
  return hashText(`${value} ${record.key}`);
}

/**
 * Checks that a partition can be continued at `next`, after the record `last`.
 *
 * @throws {PipelineError} `offset_out_of_range` if the log lost records that were never read;
 * `diverged` if it is another log.
 */
export async function checkContinuation(
  log: EventLog,
  topic: Topic,
  partition: number,
  next: number,
  last: Commit["last"],
): Promise<void> {
  const name = partitionName(topic, partition);
  const range = (await log.ranges(topic)).find((r) => r.partition === partition);
  if (range === undefined) {
    throw new PipelineError("not_found", `The log has no partition ${name}`);
  }
  if (next < range.earliest) {
    throw new PipelineError(
      "offset_out_of_range",
      `${name}: offsets ${next} to ${
        range.earliest - 1
      } are gone from the log, and nobody took them`,
    );
  }
  if (next > range.end) {
    throw new PipelineError(
      "diverged",
      `${name}: the records taken end at offset ${next}, but the log at ${range.end}: the topic was recreated`,
    );
  }
  if (last === null || last.offset < range.earliest) return;
  for await (const batch of log.read(topic, partition, last.offset, last.offset + 1)) {
    for (const record of batch.records) {
      if (record.offset !== last.offset || recordHash(record) === last.hash) continue;
      throw new PipelineError(
        "diverged",
        `${name}: the record at offset ${last.offset} differs from the one that was taken: the topic ` +
          `was recreated`,
      );
    }
  }
}
