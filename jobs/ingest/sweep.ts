/**
 * Removes the files of writers that died between their first temporary file and their commit.
 *
 * @module
 */

import { hasCode, type MasterDataset } from "@pipeline/core";
import { type Commit, CommitLog, readAll, TEMPORARY } from "@pipeline/protocol";

/**
 * Sweeps the folders of writers whose last file is older than `age`. An intent whose start was
 * committed by another writer can never be committed: the files that it placed are removed, unless
 * that commit holds them too. An intent whose start is not committed yet is left alone, since its
 * writer may only be slow.
 *
 * @param options.now the dataset's time, milliseconds since 1970.
 * @param options.age milliseconds; longer than every timeout of a writer.
 * @param options.keep tokens of running writers.
 * @returns the number of removed files and folders.
 */
export async function sweep(
  dataset: MasterDataset,
  options: { readonly now: number; readonly age: number; readonly keep?: readonly string[] },
): Promise<number> {
  let removed = 0;
  for (const writer of await dataset.list(TEMPORARY)) {
    const folder = `${TEMPORARY}/${writer.name}`;
    if (options.keep?.includes(writer.name)) continue;
    const files = await dataset.list(folder);
    const newest = Math.max(writer.modified, ...files.map((file) => file.modified));
    if (newest > options.now - options.age) continue;
    let open = false;
    for (const file of files.filter((f) => f.name.startsWith("commit-"))) {
      const swept = await sweepIntent(dataset, `${folder}/${file.name}`);
      if (swept === undefined) open = true;
      else removed += swept;
    }
    if (open) continue;
    await dataset.remove(folder);
    removed++;
  }
  return removed;
}

/** Removes the files that an intent placed; `undefined` if it may still be committed. */
async function sweepIntent(dataset: MasterDataset, path: string): Promise<number | undefined> {
  let intent: Commit;
  try {
    intent = JSON.parse(new TextDecoder().decode(await readAll(dataset, path))) as Commit;
  } catch (error) {
    // A truncated intent: its writer had placed nothing yet.
    if (error instanceof SyntaxError || hasCode(error, "corrupt")) return 0;
    // Published meanwhile: its writer is alive.
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
  if (intent.topic === undefined) return 0;
  const { commits } = await new CommitLog(dataset).read(
    intent.topic,
    intent.partition,
    intent.start,
  );
  const winner = commits.find((commit) => commit.start === intent.start);
  if (winner === undefined && commits.length === 0) return undefined;
  const held = new Set(winner?.files.map((file) => file.path));
  let removed = 0;
  for (const file of intent.files) {
    if (held.has(file.path)) continue;
    await dataset.remove(`/data/${file.path}`);
    removed++;
  }
  return removed;
}
