/**
 * Whether what ingest works with is as it must be.
 *
 * @module
 */

import { type EventLog, type MasterDataset, PipelineError, type TopicSpec } from "@pipeline/core";
import { newToken, readAll, TEMPORARY } from "@pipeline/protocol";

/** Bytes of the file that is written and read back. */
const SIZE = 65_536;

/**
 * Resolves where the topics have their partitions, copies and settings. Makes none.
 *
 * @throws {PipelineError} `not_found` where one is missing; `conflict` where one is not as it must be.
 */
export async function checkTopics(log: EventLog, specs: readonly TopicSpec[]): Promise<void> {
  for (const { topic, partitions } of specs) {
    const { length } = await log.ranges(topic);
    if (length === partitions) continue;
    throw new PipelineError("conflict", `${topic} has ${length} partitions, not ${partitions}`);
  }
  // All are there: nothing is made, and the rest is checked.
  await log.ensureTopics(specs);
}

/**
 * Resolves where the dataset takes a file and gives it back; leaves none behind.
 *
 * @throws {PipelineError} `corrupt` where other bytes come back than were written.
 */
export async function checkDataset(dataset: MasterDataset): Promise<void> {
  const path = `${TEMPORARY}/check-${newToken()}`;
  const content = Uint8Array.from({ length: SIZE }, (_, i) => i % 251);
  try {
    await dataset.write(path, content);
    if ((await readAll(dataset, path)).toBase64() === content.toBase64()) return;
    throw new PipelineError("corrupt", `${path} does not hold what was written`);
  } finally {
    await dataset.remove(path);
  }
}
