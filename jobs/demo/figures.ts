/**
 * Figures of the running jobs, from their metrics.
 *
 * @module
 */

import {
  DEFAULT_PARTITIONS,
  eachOffset,
  type EventLog,
  type ViewName,
  VIEWS,
} from "@pipeline/core";
import { readEnds } from "@pipeline/protocol";
import type { RunningCommand } from "@pipeline/runtime";

/** Records that the log has acknowledged, and those that are due and not produced. */
export async function producedOf(generator: RunningCommand) {
  return {
    produced: await read(generator, "generator_records_total", { state: "acknowledged" }),
    behind: await read(generator, "generator_behind_records"),
  };
}

/** Records in the log, and how many of them are in the dataset, or among the dead letters. */
export async function ingestedOf(ingest: RunningCommand, log: EventLog) {
  const ends = await readEnds(log, DEFAULT_PARTITIONS);
  return {
    records: [...eachOffset(ends)].reduce((sum, { offset }) => sum + offset, 0),
    ingested: await read(ingest, "log_position_offset"),
  };
}

/** Number of documents that speed wrote per record that it folded, by view. */
export async function writesOf(speed: RunningCommand): Promise<Record<ViewName, number>> {
  const folded = await read(speed, "speed_records_total");
  const writes = { top_posts: 0, subreddit_activity: 0, user_activity: 0 };
  for (const view of VIEWS) {
    writes[view] = await read(speed, "speed_documents_total", { view }) / Math.max(1, folded);
  }
  return writes;
}

/** The value of a metric; 0 until the job reports it. */
async function read(
  { metrics }: RunningCommand,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  return await metrics.read(name, labels) ?? 0;
}
