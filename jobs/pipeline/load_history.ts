/**
 * The history that a folder starts from: generated, or real archives in its place.
 *
 * @module
 */

import type { MasterDataset } from "@pipeline/core";
import {
  generateHistory,
  historyLoadId,
  type HistoryOptions,
  loadArchive,
  type LoadManifest,
} from "@pipeline/generator";
import { bootstrap } from "@pipeline/ingest";
import { CommitLog } from "@pipeline/protocol";
import type { Progress } from "@pipeline/runtime";

/** Where the history comes from. */
export interface HistorySource {
  /** Archive files; where there are none, history is generated. */
  readonly archives: readonly string[];
  /** What to generate. */
  readonly generated: HistoryOptions;
}

/** What is in the dataset now. */
export interface LoadedHistory {
  /** Records in historical loads. */
  readonly records: number;
  /** Whether this call added any. */
  readonly added: boolean;
}

/** Brings the history into the dataset. What is there already is not loaded again. */
export async function loadHistory(
  dataset: MasterDataset,
  source: HistorySource,
  progress: Progress,
  signal: AbortSignal,
): Promise<LoadedHistory> {
  const commits = new CommitLog(dataset);
  const before = await commits.histories();
  const manifests: LoadManifest[] = [];
  for (const path of source.archives) {
    manifests.push(await stageArchive(dataset, path, progress, signal));
  }
  if (source.archives.length === 0 && before.length === 0) {
    manifests.push(await stageGenerated(dataset, source.generated, progress, signal));
  }
  let added = false;
  for (const { load, files } of manifests) {
    const bar = progress.bar("Bootstrap into the dataset", files.length);
    const result = await bootstrap(dataset, load, {
      onProgress: (done, total) => bar.update(done, `${done} of ${total} files`),
    });
    const { records } = result.commit;
    bar.end(result.added ? `${count(records)} records committed` : "committed before");
    added ||= result.added;
  }
  const after = await commits.histories();
  return { records: after.reduce((sum, load) => sum + load.records, 0), added };
}

async function stageGenerated(
  dataset: MasterDataset,
  options: HistoryOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<LoadManifest> {
  const bar = progress.bar("Generate 7 days of history", 1);
  const manifest = await generateHistory(dataset, options, {
    signal,
    onProgress: ({ done, total }) => bar.update(done / total, `${count(done)} records`),
  });
  bar.end(`seed ${options.seed}, ${historyLoadId(options)}`);
  return manifest;
}

async function stageArchive(
  dataset: MasterDataset,
  path: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<LoadManifest> {
  const bar = progress.bar(`Read ${path}`, 1);
  const shown: string[] = [];
  const manifest = await loadArchive(dataset, path, {
    signal,
    onProgress: ({ done, total }) => bar.update(done / total),
    onRejected: ({ line, reason }) => {
      if (shown.length < 3) shown.push(`  line ${line}: ${reason}`);
    },
  });
  const { posts, comments } = manifest.totals;
  bar.end(`${count(posts)} posts, ${count(comments)} comments`);
  const rejected = manifest.rejected?.lines ?? 0;
  if (rejected > 0) {
    progress.line(`  ${count(rejected)} lines could not be used; they are kept with the load:`);
    for (const line of shown) progress.line(line);
  }
  return manifest;
}

/** A number as people read it. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
