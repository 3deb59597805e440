/**
 * Batch's own state: the views of each day, written once and referenced by one manifest per
 * generation, so that a run reads only the days that changed.
 *
 *     /data/_state/manifests/<generation>                 a state manifest
 *     /data/_state/<generation>-<token>/<day>/<section>.jsonl
 *
 * A day's state has four sections, with one JSON value per line: `posts` (with the names of
 * subreddits), `users` and `windows` hold documents, `announced` the counted announcements.
 *
 * @module
 */

import {
  type Announcement,
  canonicalBytes,
  hashBytes,
  type MasterDataset,
  type OffsetVector,
  PipelineError,
  type StoredViewSettings,
  type ViewDocument,
  type ViewSettings,
  ViewState,
} from "@pipeline/core";
import {
  type CommittedFile,
  type LastRecords,
  newToken,
  publishOnce,
  readAll,
  readLines,
  STATE,
  TEMPORARY,
  writeOwn,
} from "@pipeline/protocol";

/** The sections of a day's state. */
export const SECTIONS = ["posts", "users", "windows", "announced"] as const;

/** A section of a day's state. */
export type Section = (typeof SECTIONS)[number];

/** The stored state of one day. */
export interface DayState {
  /** Start of the day, milliseconds since 1970. */
  readonly day: number;
  /** The files of the state. */
  readonly sections: Readonly<Record<Section, CommittedFile>>;
  /** Records that were folded. */
  readonly records: number;
  /** Counted comments without a subreddit. */
  readonly unresolved: number;
  /** Latest `created_utc` of an announcement; -1 if there is none. */
  readonly latest: number;
}

/** The stored state of a generation. */
export interface StateManifest {
  /** Counts from 1. */
  readonly generation: number;
  /** The first offsets that batch has not folded. */
  readonly horizon: OffsetVector;
  /** The records before the horizon. */
  readonly last?: LastRecords;
  /** The historical loads in it, in the order of names. */
  readonly history: readonly string[];
  /** Hash of the views' definitions and settings. */
  readonly definition: string;
  /** The settings of the views. */
  readonly settings: StoredViewSettings;
  /** In the order of days. */
  readonly days: readonly DayState[];
}

const MANIFESTS = `${STATE}/manifests`;

function manifestName(generation: number): string {
  return String(generation).padStart(6, "0");
}

/** Generations whose state is stored, ascending. */
export async function storedGenerations(dataset: MasterDataset): Promise<number[]> {
  return (await dataset.list(MANIFESTS)).map((file) => Number(file.name)).sort((a, b) => a - b);
}

/** Reads a generation's state manifest. */
export async function readState(
  dataset: MasterDataset,
  generation: number,
): Promise<StateManifest> {
  const bytes = await readAll(dataset, `${MANIFESTS}/${manifestName(generation)}`);
  return JSON.parse(new TextDecoder().decode(bytes)) as StateManifest;
}

/** Publishes a state manifest. Rejects with `exists` if the generation has another one. */
export async function writeState(dataset: MasterDataset, manifest: StateManifest): Promise<void> {
  const folder = `${TEMPORARY}/${newToken()}`;
  const path = `${MANIFESTS}/${manifestName(manifest.generation)}`;
  const bytes = canonicalBytes(manifest);
  await writeOwn(dataset, `${folder}/state`, bytes);
  await dataset.mkdirs(MANIFESTS);
  await publishOnce(
    dataset,
    `${folder}/state`,
    path,
    async () => hashBytes(await readAll(dataset, path)) === hashBytes(bytes),
  );
  await dataset.remove(folder);
}

/** Removes the states of generations that need not be kept, and unreferenced folders. */
export async function sweepStates(
  dataset: MasterDataset,
  keep: readonly number[],
): Promise<void> {
  const referred = new Set<string>();
  for (const generation of await storedGenerations(dataset)) {
    if (!keep.includes(generation)) {
      await dataset.remove(`${MANIFESTS}/${manifestName(generation)}`);
      continue;
    }
    for (const day of (await readState(dataset, generation)).days) {
      referred.add(day.sections.posts.path.split("/")[1]!);
    }
  }
  for (const entry of await dataset.list(STATE)) {
    if (entry.name === "manifests" || referred.has(entry.name)) continue;
    // A folder of a generation beyond the kept ones belongs to a run in progress.
    if (Number(entry.name.split("-")[0]) > Math.max(0, ...keep)) continue;
    await dataset.remove(`${STATE}/${entry.name}`);
  }
}

function sectionOf(document: ViewDocument): Section {
  switch (document.type) {
    case "post":
    case "cut":
    case "subreddit":
      return "posts";
    case "user_total":
      return "users";
    default:
      return "windows";
  }
}

/**
 * Stores a day's state.
 *
 * @param folder below `/data/_state`; used by this run only.
 */
export async function writeDay(
  dataset: MasterDataset,
  folder: string,
  day: number,
  state: ViewState,
  records: number,
): Promise<DayState> {
  const lines: Record<Section, string[]> = { posts: [], users: [], windows: [], announced: [] };
  for (const document of state.documents("batch")) {
    lines[sectionOf(document)].push(JSON.stringify(document));
  }
  let latest = -1;
  for (const announced of state.announcements()) {
    lines.announced.push(JSON.stringify(announced));
    latest = Math.max(latest, announced.created_utc);
  }
  const name = new Date(day).toISOString().slice(0, 10);
  const encoder = new TextEncoder();
  const sections = {} as Record<Section, CommittedFile>;
  for (const section of SECTIONS) {
    const count = lines[section].length;
    const bytes = encoder.encode(count === 0 ? "" : lines[section].join("\n") + "\n");
    const path = `_state/${folder}/${name}/${section}.jsonl`;
    await writeOwn(dataset, `/data/${path}`, bytes);
    sections[section] = { path, records: count, bytes: bytes.length, hash: hashBytes(bytes) };
  }
  return { day, sections, records, unresolved: state.counts.unresolved, latest };
}

/** Reads the documents of one section of a day. */
export async function readSection(
  dataset: MasterDataset,
  day: DayState,
  section: Exclude<Section, "announced">,
): Promise<ViewDocument[]> {
  return (await sectionLines(dataset, day, section)).map((line) =>
    JSON.parse(line) as ViewDocument
  );
}

/** Reads the announcements of a day. */
export async function readAnnouncements(
  dataset: MasterDataset,
  day: DayState,
): Promise<Announcement[]> {
  return (await sectionLines(dataset, day, "announced")).map((line) =>
    JSON.parse(line) as Announcement
  );
}

function sectionLines(dataset: MasterDataset, day: DayState, section: Section): Promise<string[]> {
  const file = day.sections[section];
  if (file.bytes === 0) return Promise.resolve([]);
  return readLines(dataset, file);
}

/** Restores a stored day, so that folding can continue. */
export async function restoreDay(
  dataset: MasterDataset,
  day: DayState,
  settings: ViewSettings,
): Promise<ViewState> {
  const state = new ViewState(settings);
  for (const section of ["posts", "users", "windows"] as const) {
    for (const document of await readSection(dataset, day, section)) state.restore(document);
  }
  for (const announced of await readAnnouncements(dataset, day)) {
    state.restoreAnnouncement(announced);
  }
  if (state.counts.unresolved !== day.unresolved) {
    throw new PipelineError("corrupt", `The stored state of ${day.sections.posts.path} is damaged`);
  }
  return state;
}
