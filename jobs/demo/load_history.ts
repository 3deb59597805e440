/**
 * Loads the initial history of a folder: generated, or real archives instead.
 *
 * @module
 */

import type { MasterDataset } from "@pipeline/core";
import {
  archiveLoadId,
  archiveSize,
  generateHistory,
  historyLoadId,
  type HistoryOptions,
  loadArchive,
  type LoadManifest,
} from "@pipeline/generator";
import { bootstrap } from "@pipeline/ingest";
import { CommitLog } from "@pipeline/protocol";
import type { Progress } from "@pipeline/runtime";

/** The source of the history. */
export interface HistorySource {
  /** Archive files; if there are none, history is generated. */
  readonly archives: readonly string[];
  /** Parameters of generated history. */
  readonly generated: HistoryOptions;
}

/** The historical loads in the dataset. */
export interface LoadedHistory {
  /** Records in historical loads. */
  readonly records: number;
  /** Names of the historical loads. */
  readonly loads: readonly string[];
}

/**
 * Checks that the archives are readable, before any work starts.
 *
 * @throws {PipelineError} `invalid` for the first one that cannot be read.
 */
export async function checkArchives(paths: readonly string[]): Promise<void> {
  for (const path of paths) await archiveSize(path);
}

/** Loads the history into the dataset, except for loads that are already there. */
export async function loadHistory(
  dataset: MasterDataset,
  source: HistorySource,
  progress: Progress,
  signal: AbortSignal,
): Promise<LoadedHistory> {
  const commits = new CommitLog(dataset);
  const before = await commits.histories();
  const manifests: LoadManifest[] = [];
  const archives = new Set<string>();
  for (const path of source.archives) {
    const load = await archiveLoadId(path);
    archives.add(load);
    const committed = before.find((commit) => commit.load === load);
    if (committed === undefined) {
      manifests.push(await stageArchive(dataset, path, progress, signal));
    } else {
      progress.line(`${path}: its ${count(committed.records)} records were loaded before`);
    }
  }
  if (source.archives.length === 0 && before.length === 0) {
    manifests.push(await stageGenerated(dataset, source.generated, progress, signal));
  }
  for (const { load, files } of manifests) {
    const bar = progress.bar("Bootstrap into the dataset", files.length);
    const result = await bootstrap(dataset, load, {
      onProgress: (done, total) => bar.update(done, `${done} of ${total} files`),
    });
    const { records } = result.commit;
    bar.end(result.added ? `${count(records)} records committed` : "committed before");
  }
  const after = await commits.histories();
  const others = after.filter(({ load }) => !archives.has(load));
  if (archives.size > 0 && others.length > 0) {
    progress.line(
      `The folder holds ${count(total(others))} records of other loads too, which stay: ` +
        "set DATA to another folder for these alone",
    );
  }
  return { records: total(after), loads: after.map(({ load }) => load) };
}

function total(loads: readonly { readonly records: number }[]): number {
  return loads.reduce((sum, { records }) => sum + records, 0);
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
  if (manifest.files.length === 0) {
    progress.line(`  Warning: ${path} has no lines: no record comes from it`);
  }
  const rejected = manifest.rejected?.lines ?? 0;
  if (rejected > 0) {
    progress.line(`  ${count(rejected)} lines could not be used; they are kept with the load:`);
    for (const line of shown) progress.line(line);
  }
  return manifest;
}

/** A number formatted for people. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
