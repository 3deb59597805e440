/**
 * Whether what ingest works with is as it must be.
 *
 * @module
 */

import { type EventLog, type MasterDataset, PipelineError, type TopicSpec } from "@pipeline/core";
import { newToken, readAll, TEMPORARY, writeOwn } from "@pipeline/protocol";

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
  // All are there: nothing is made, nothing altered, and the rest is checked.
  await log.ensureTopics(specs, { alter: false });
}

/**
 * Resolves where the dataset takes a file, gives it back, and has as many copies of it as it must;
 * leaves none behind.
 *
 * @throws {PipelineError} `corrupt` where other bytes come back than were written; `unavailable`
 * where there are fewer copies, which may come a moment later.
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
