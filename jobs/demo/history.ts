/**
 * The history that a folder starts with: generated, or loaded from real archives.
 *
 * @module
 */

import { formatTime } from "@pipeline/core";
import {
  archiveLoadId,
  archiveSize,
  historyLoadId,
  historyOptions,
  readManifest,
  type RejectedLine,
  stagingPath,
} from "@pipeline/generator";
import { generator } from "@pipeline/generator/job";
import { ingest } from "@pipeline/ingest/job";
import { CommitLog, readAll } from "@pipeline/protocol";
import type { Progress } from "@pipeline/runtime";
import type { Jobs } from "./jobs.ts";
import { showSteps } from "./steps.ts";

/** The source of the history. */
export interface HistorySource {
  /** Archive files; without any, history is generated. */
  readonly archives: readonly string[];
  /** Options of the generated history; `end` in milliseconds since 1970. */
  readonly generated: { readonly seed: number; readonly scale: number; readonly end: number };
}

/** The historical loads in the dataset. */
export interface LoadedHistory {
  /** Records in historical loads. */
  readonly records: number;
  /** Names of the historical loads. */
  readonly loads: readonly string[];
}

/** Means of loading. */
export interface LoadOptions {
  /** The jobs, which stage and commit the history. */
  readonly jobs: Jobs;
  /** The progress display. */
  readonly progress: Progress;
  /** Ends loading; the next run loads again whatever was not committed. */
  readonly signal: AbortSignal;
}

/**
 * Checks that the archives can be read, before anything else is done.
 *
 * @throws {PipelineError} `invalid` for the first one that cannot be read.
 */
export async function checkArchives(paths: readonly string[]): Promise<void> {
  for (const path of paths) await archiveSize(path);
}

/** Loads the history into the dataset, except loads that it already contains. */
export async function loadHistory(
  { archives, generated }: HistorySource,
  options: LoadOptions,
): Promise<LoadedHistory> {
  const { jobs, progress, signal } = options;
  const commits = new CommitLog(jobs.ports.dataset);
  const before = await commits.histories();
  const named = new Set<string>();
  const staged = new Set<string>();
  for (const path of archives) {
    const load = await archiveLoadId(path);
    named.add(load);
    const committed = before.find((commit) => commit.load === load);
    if (committed === undefined) {
      await stageArchive(path, load, options);
      staged.add(load);
    } else {
      progress.line(`${path}: its ${count(committed.records)} records were loaded before`);
    }
  }
  if (archives.length === 0 && before.length === 0) {
    staged.add(await stageGenerated(generated, options));
  }
  for (const load of staged) {
    const running = jobs.start(ingest, "bootstrap", { flags: { load }, signal });
    const steps = { bootstrap: "Bootstrap into the dataset" };
    const bar = await showSteps(running, { progress, job: "ingest", steps });
    const commit = await commits.history(load);
    bar.end(`${count(commit?.records ?? 0)} records committed`);
  }
  const after = await commits.histories();
  const others = after.filter(({ load }) => !named.has(load));
  if (named.size > 0 && others.length > 0) {
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

/** Returns the load's name. */
async function stageGenerated(
  { seed, scale, end }: HistorySource["generated"],
  { jobs, progress, signal }: LoadOptions,
): Promise<string> {
  const settings = { seed, historical: { scale, end: formatTime(end) } };
  const running = jobs.start(generator, "historical", { settings, signal });
  const steps = { stage: "Generate 7 days of history" };
  const bar = await showSteps(running, { progress, job: "generator", steps });
  const load = historyLoadId(historyOptions(generator.config.parse(settings), end));
  bar.end(`seed ${seed}, ${load}`);
  return load;
}

/** Most rejected lines of an archive to show. */
const SHOWN = 3;

async function stageArchive(
  path: string,
  load: string,
  { jobs, progress, signal }: LoadOptions,
): Promise<void> {
  const settings = { archive: { files: [path] } };
  const running = jobs.start(generator, "archive", { settings, signal });
  const steps = { stage: `Read ${path}` };
  const bar = await showSteps(running, { progress, job: "generator", steps });
  const { dataset } = jobs.ports;
  const { files, totals, rejected } = (await readManifest(dataset, load))!;
  bar.end(`${count(totals.posts)} posts, ${count(totals.comments)} comments`);
  if (files.length === 0) {
    progress.line(`  Warning: ${path} has no lines: no record comes from it`);
  }
  if (rejected === undefined) return;
  progress.line(
    `  ${count(rejected.lines)} lines could not be used; they are kept with the load:`,
  );
  const kept = await readAll(dataset, `${stagingPath(load)}/${rejected.files[0]}`);
  for (const text of new TextDecoder().decode(kept).split("\n", SHOWN)) {
    if (text === "") break;
    const { line, reason } = JSON.parse(text) as RejectedLine;
    progress.line(`  line ${line}: ${reason}`);
  }
}

/** Formats a number for people. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
