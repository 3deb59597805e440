/**
 * A fold and a flush are functions of one log prefix, so they take every offset once, in order,
 * whatever the log delivers.
 *
 * @module
 */

import { type LogBatch, partitionName, PipelineError } from "@pipeline/core";

/**
 * The part of a batch from `expected` on, or `undefined` if all of it was taken before. Nothing is
 * lost silently: a batch that starts beyond `expected` is an error, as the records between are
 * missing.
 *
 * @throws {PipelineError} `offset_out_of_range`, naming the lost range.
 */
export function continueFrom(batch: LogBatch, expected: number): LogBatch | undefined {
  if (batch.startOffset > expected) {
    throw new PipelineError(
      "offset_out_of_range",
      `${partitionName(batch.topic, batch.partition)}: offsets ${expected} to ` +
        `${batch.startOffset - 1} were not delivered`,
    );
  }
  if (batch.nextOffset <= expected) return undefined;
  if (batch.startOffset === expected) return batch;
  const records = batch.records.filter((record) => record.offset >= expected);
  return { ...batch, startOffset: expected, records };
}
