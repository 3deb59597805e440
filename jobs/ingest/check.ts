/**
 * Checks the topics and the dataset that ingest depends on.
 *
 * @module
 */

import { type EventLog, type MasterDataset, PipelineError, type TopicSpec } from "@pipeline/core";
import { newToken, readAll, TEMPORARY, writeOwn } from "@pipeline/protocol";

/** Size of the file that is written and read back, in bytes. */
const SIZE = 65_536;

/**
 * Resolves if the topics have the required partitions, replicas and settings. Creates none.
 *
 * @throws {PipelineError} `not_found` if one is missing; `conflict` if one has another shape.
 */
export async function checkTopics(log: EventLog, specs: readonly TopicSpec[]): Promise<void> {
  for (const { topic, partitions } of specs) {
    const { length } = await log.ranges(topic);
    if (length === partitions) continue;
    throw new PipelineError("conflict", `${topic} has ${length} partitions, not ${partitions}`);
  }
  // All topics exist: nothing is created or altered, and the rest is checked.
  await log.ensureTopics(specs, { alter: false });
}

/**
 * Resolves if the dataset stores a file, returns it, and has enough replicas of it; removes the
 * file afterwards.
 *
 * @throws {PipelineError} `corrupt` if the bytes read differ from those written; `unavailable` if
 * there are too few replicas, of which more may appear a moment later.
 */
export async function checkDataset(dataset: MasterDataset, copies = 1): Promise<void> {
  const path = `${TEMPORARY}/check-${newToken()}`;
  const content = Uint8Array.from({ length: SIZE }, (_, i) => i % 251);
  try {
    await writeOwn(dataset, path, content);
    if ((await readAll(dataset, path)).toBase64() !== content.toBase64()) {
      throw new PipelineError("corrupt", `${path} does not hold what was written`);
    }
    const there = await dataset.copies(path);
    if (there >= copies) return;
    throw new PipelineError(
      "unavailable",
      `The dataset has made ${there} of ${copies} copies of a file`,
    );
  } finally {
    await dataset.remove(path);
  }
}
