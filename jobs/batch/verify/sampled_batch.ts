/**
 * Checks a sample of batch's documents against a part of the dataset.
 *
 * The counts of a window come from the hours of that window, so they are recomputed if those were
 * read whole. A register (the latest version of a post or an account, the latest activity) is the
 * greatest of all versions, so no version that was read may exceed it; and a version of the same
 * time must equal it. (A later version may lie in any hour, as its time of retrieval does not
 * determine the hour. Activity lies in the hour of its time, and must be there if that was read
 * whole.) Other counts recomputed from a part of the dataset can only be too small: they are
 * checked against other documents instead, as a day's sum must equal that of its hours.
 *
 * @module
 */

import {
  type ActivityDocument,
  activityDocumentId,
  BATCH_PART,
  canonicalJson,
  comparePostVersions,
  compareRank,
  compareSpellings,
  type CutDocument,
  cutDocumentId,
  DAY,
  Distinct,
  documentId,
  type MasterDataset,
  mergeActivity,
  mergeCounts,
  mergeUserTotals,
  type PostDocument,
  type ServingStore,
  type SubredditDocument,
  subredditDocumentId,
  type UserTotalDocument,
  type UserWindowDocument,
  type ViewDocument,
  viewOf,
  VIEWS,
  ViewState,
  WINDOWS,
  windowStart,
} from "@pipeline/core";
import { type Manifest, partitionsOf } from "@pipeline/protocol";
import { foldFiles } from "../day.ts";
import { plan } from "../plan.ts";
import { recompute } from "./batch_part.ts";
import type { Differences } from "./report.ts";
import { budgetOf, chooseFiles, type Chosen, costOf, type Sample, takeByHash } from "./sample.ts";
import { getAll, wholePage } from "./scan.ts";

/** Result of {@linkcode verifyBatchSample}. */
export interface BatchSample {
  /** Hours of event time that were read whole. */
  readonly hours: number;
  /** Hours of event time in the dataset. */
  readonly of_hours: number;
  /** Records of the dataset that were read. */
  readonly records: number;
  /** Records that the generation was built from. */
  readonly of_records: number;
  /** Documents that equal their recomputation. */
  documents: number;
  /** Documents for which only a bound could be checked. */
  bounded: number;
}

/** The inputs of a check. */
interface Work {
  readonly store: ServingStore;
  readonly manifest: Manifest;
  readonly sample: Sample;
  readonly differences: Differences;
}

/** Documents of one page of the store. */
const PAGE = 1_000;

const HOUR = WINDOWS["1h"];

/** Compares a sample of batch's stored part with the records that were chosen for it. */
export async function verifyBatchSample(
  dataset: MasterDataset,
  work: Work,
): Promise<BatchSample> {
  const { manifest, sample } = work;
  const planned = await plan(dataset, partitionsOf(manifest.horizon), { until: manifest });
  const files = [...planned.days.values()].flat();
  const sum = (some: typeof files) => some.reduce((total, { file }) => total + file.records, 0);
  const chosen = chooseFiles(files, sample);
  const all = { of_hours: chosen.all, of_records: sum(files) };
  if (costOf(files) <= budgetOf(sample)) {
    const documents = await verifyWhole(dataset, work);
    return { hours: all.of_hours, records: all.of_records, ...all, documents, bounded: 0 };
  }
  const state = new ViewState(manifest.settings, { retained: manifest.retained_from });
  await foldFiles(dataset, state, chosen.files);
  const report = {
    hours: chosen.hours,
    records: sum([...chosen.files]),
    ...all,
    documents: 0,
    bounded: 0,
  };
  await new PartialCheck(work, chosen, state, report).run();
  return report;
}

/** The whole dataset is within the budget: every sampled document is recomputed. */
async function verifyWhole(dataset: MasterDataset, work: Work): Promise<number> {
  const composed = await recompute(dataset, work.manifest);
  const expected = new Map<string, ViewDocument>();
  for await (const documents of composed.documents()) {
    for (const document of documents) expected.set(nameOf(document), document);
  }
  const looked = await sampled(work, expected);
  for (const [name, { found }] of looked) {
    work.differences.compare("batch", name, expected.get(name), found);
  }
  return looked.size;
}

function nameOf(document: ViewDocument): string {
  return `${viewOf(document)} ${documentId(document)}`;
}

interface Looked {
  readonly expected: ViewDocument | undefined;
  readonly found: ViewDocument | undefined;
}

/** A sample of the expected documents, and the first documents of the store, expected or not. */
async function sampled(
  { store, manifest: { generation }, sample }: Work,
  expected: ReadonlyMap<string, ViewDocument>,
): Promise<Map<string, Looked>> {
  const looked = new Map<string, Looked>();
  for (const view of VIEWS) {
    const own = [...expected].filter(([, document]) => viewOf(document) === view);
    const chosen = takeByHash(own, ([name]) => name, sample).map(([, document]) => document);
    const taken = [...chosen, ...namesOf(chosen, expected)];
    const found = await getAll(store, generation, view, taken.map(documentId));
    for (const [i, document] of taken.entries()) {
      looked.set(nameOf(document), { expected: document, found: found[i]?.body });
    }
    const query = { layer: "batch", order: "id", limit: Math.min(PAGE, sample.keys) } as const;
    for (const { body } of await wholePage(store, generation, view, query)) {
      looked.set(nameOf(body), { expected: expected.get(nameOf(body)), found: body });
    }
  }
  return looked;
}

/** The names of the windows' subreddits: they are few, and hashes seldom choose one. */
function namesOf(
  documents: readonly ViewDocument[],
  expected: ReadonlyMap<string, ViewDocument>,
): ViewDocument[] {
  const subreddits = new Set(documents.flatMap((d) => d.type === "activity" ? d.subreddit : []));
  return [...subreddits].flatMap((subreddit) =>
    expected.get(`subreddit_activity ${subredditDocumentId(BATCH_PART, subreddit)}`) ?? []
  );
}

/** Checks everything that some of a generation's hours determine. */
class PartialCheck {
  readonly #work: Work;
  readonly #chosen: Chosen;
  readonly #state: ViewState;
  readonly #report: BatchSample;
  /** Comments that were read without their subreddit, by hour: batch may have found it. */
  readonly #unresolved = new Map<number, number>();

  constructor(work: Work, chosen: Chosen, state: ViewState, report: BatchSample) {
    this.#work = work;
    this.#chosen = chosen;
    this.#state = state;
    this.#report = report;
    for (const { subreddit, created_utc } of state.announcements()) {
      if (subreddit !== undefined) continue;
      const hour = windowStart(created_utc, HOUR);
      this.#unresolved.set(hour, (this.#unresolved.get(hour) ?? 0) + 1);
    }
  }

  async run(): Promise<void> {
    const expected = new Map<string, ViewDocument>();
    for (const document of this.#state.documents(BATCH_PART)) {
      expected.set(nameOf(document), document);
    }
    const looked = await sampled(this.#work, expected);
    await this.#addStoredWindows(looked, expected);
    const cuts = await this.#cuts(looked);
    for (const [name, { expected, found }] of looked) {
      const document = expected ?? found;
      switch (document?.type) {
        case "subreddit":
          this.#checkSpelling(name, expected as SubredditDocument, found as SubredditDocument);
          break;
        case "activity":
          this.#checkActivity(name, expected as ActivityDocument, found as ActivityDocument);
          break;
        case "user_window":
          this.#checkUserWindow(name, expected as UserWindowDocument, found as UserWindowDocument);
          break;
        case "user_total":
          this.#checkUser(name, expected as UserTotalDocument, found as UserTotalDocument);
          break;
        case "post":
          this.#checkPost(name, {
            expected: expected as PostDocument,
            found: found as PostDocument,
            cut: cuts.get(document.subreddit),
          });
          break;
      }
    }
    const stored = [...looked.values()].flatMap(({ found }) => found ?? []);
    await this.#checkDays(stored.filter((d) => d.type === "activity" && d.window === "1d"));
    await this.#checkTotals(stored.filter((d) => d.type === "user_total"));
  }

  /** Adds stored windows of hours that were read whole: each must come from a record. */
  async #addStoredWindows(
    looked: Map<string, Looked>,
    expected: ReadonlyMap<string, ViewDocument>,
  ): Promise<void> {
    const { store, manifest: { generation }, sample } = this.#work;
    const hours = new Set<number>();
    for (const document of expected.values()) {
      if (document.type !== "activity" || document.window !== "1h") continue;
      if (this.#chosen.isWhole(document.window_start, HOUR)) hours.add(document.window_start);
    }
    const limit = Math.max(1, Math.floor(sample.keys / Math.max(1, hours.size)));
    for (const hour of takeByHash(hours, String, sample)) {
      const query = { type: "activity", window: "1h", from: hour, to: hour + HOUR } as const;
      const documents = await wholePage(store, generation, "subreddit_activity", {
        ...query,
        layer: "batch",
        order: "window",
        limit: Math.min(PAGE, limit),
      });
      for (const { body } of documents) {
        looked.set(nameOf(body), { expected: expected.get(nameOf(body)), found: body });
      }
    }
  }

  /** Batch's cut documents for the subreddits of some posts. */
  async #cuts(looked: ReadonlyMap<string, Looked>): Promise<Map<string, CutDocument>> {
    const subreddits = new Set<string>();
    for (const { expected } of looked.values()) {
      if (expected?.type === "post") subreddits.add(expected.subreddit);
    }
    const ids = [...subreddits].map((subreddit) => cutDocumentId(BATCH_PART, subreddit));
    const { store, manifest } = this.#work;
    const found = await getAll(store, manifest.generation, "top_posts", ids);
    return new Map(
      found.flatMap((document) =>
        document?.body.type === "cut" ? [[document.body.subreddit, document.body] as const] : []
      ),
    );
  }

  #checkSpelling(
    name: string,
    expected: SubredditDocument | undefined,
    found: SubredditDocument | undefined,
  ): void {
    if (expected === undefined) return;
    const right = found !== undefined && compareSpellings(found, expected) >= 0;
    this.#bound(name, right, { expected, found });
  }

  #checkActivity(
    name: string,
    expected: ActivityDocument | undefined,
    found: ActivityDocument | undefined,
  ): void {
    const { window, window_start: start } = (expected ?? found)!;
    const unresolved = this.#unresolvedIn(start, WINDOWS[window]);
    const whole = this.#chosen.isWhole(start, WINDOWS[window]);
    if (whole && unresolved === 0) return this.#same(name, expected, found);
    if (expected === undefined && !whole) return;
    const least = expected ?? { posts: 0, comments: 0, users: "" };
    const right = found !== undefined && found.posts >= least.posts &&
      found.comments >= least.comments && holds(found.users, least.users) &&
      (!whole || found.posts === least.posts && found.comments <= least.comments + unresolved);
    this.#bound(name, right || expected === undefined && found === undefined, { expected, found });
  }

  #checkUserWindow(
    name: string,
    expected: UserWindowDocument | undefined,
    found: UserWindowDocument | undefined,
  ): void {
    const { window, window_start: start } = (expected ?? found)!;
    if (this.#chosen.isWhole(start, WINDOWS[window])) return this.#same(name, expected, found);
    if (expected === undefined) return;
    const right = found !== undefined && found.posts >= expected.posts &&
      found.comments >= expected.comments;
    this.#bound(name, right, { expected, found });
  }

  #checkUser(
    name: string,
    expected: UserTotalDocument | undefined,
    found: UserTotalDocument | undefined,
  ): void {
    if (found !== undefined) this.#checkRegisters(name, expected, found);
    if (expected === undefined) return;
    if (found === undefined) return this.#bound(name, false, { expected, found });
    // Except for the counts, merging is idempotent: repeating a contribution changes nothing.
    const more = mergeUserTotals([found, { ...expected, posts: 0, comments: 0 }]);
    const right = found.posts >= expected.posts && found.comments >= expected.comments &&
      canonicalJson(more) === canonicalJson(mergeUserTotals([found]));
    this.#bound(name, right, { expected, found });
  }

  /**
   * The fields of a user's totals that come from one record must equal that record's, if it was
   * read.
   */
  #checkRegisters(
    name: string,
    expected: UserTotalDocument | undefined,
    found: UserTotalDocument,
  ): void {
    const { last_active: active, karma_timestamp: updated } = found;
    // Activity that has been retired was not folded here.
    if (active >= this.#work.manifest.retained_from["1d"] && this.#isRead(active)) {
      this.#same(`${name} last_active`, expected?.last_active, active);
    }
    if (expected?.karma_timestamp === updated) {
      this.#same(`${name} account`, accountOf(expected), accountOf(found));
    }
  }

  #checkPost(name: string, { expected, found, cut }: {
    readonly expected: PostDocument | undefined;
    readonly found: PostDocument | undefined;
    readonly cut: CutDocument | undefined;
  }): void {
    if (found === undefined) {
      // A post that batch cut ranks below the last kept one; and so may a later version that was
      // not read.
      const newest = expected!.timestamp >= this.#chosen.since;
      const right = cut !== undefined && (!newest || compareRank(expected!, cut) > 0);
      return this.#bound(name, right, { expected, found });
    }
    if (expected === undefined) return;
    if (expected.timestamp === found.timestamp) return this.#same(name, expected, found);
    this.#bound(name, comparePostVersions(found, expected) >= 0, { expected, found });
  }

  /** A day's counts are the sums of its hours' counts. */
  async #checkDays(days: readonly ViewDocument[]): Promise<void> {
    const { store, sample, manifest: { generation, retained_from: retained } } = this.#work;
    const tenth = { ...sample, keys: Math.ceil(sample.keys / 10) };
    for (const day of takeByHash(days as readonly ActivityDocument[], nameOf, tenth)) {
      if (day.window_start < retained["1h"]) continue;
      const ids = Array.from(
        { length: DAY / HOUR },
        (_, i) => activityDocumentId(BATCH_PART, "1h", day.window_start + i * HOUR, day.subreddit),
      );
      const hours = await getAll(store, generation, "subreddit_activity", ids);
      const sum = mergeActivity(hours.flatMap((hour) => hour?.body as ActivityDocument ?? []));
      this.#same(`${nameOf(day)} and its hours`, sum, mergeActivity([day]));
    }
  }

  /** A user's totals are the sums of the user's days. */
  async #checkTotals(users: readonly ViewDocument[]): Promise<void> {
    const { store, sample, manifest: { generation, settings } } = this.#work;
    if (!settings.userWindows.includes("1d")) return;
    const tenth = { ...sample, keys: Math.ceil(sample.keys / 10) };
    for (const user of takeByHash(users as readonly UserTotalDocument[], nameOf, tenth)) {
      const documents = await wholePage(store, generation, "user_activity", {
        type: "user_window",
        user_id: user.user_id,
        window: "1d",
        layer: "batch",
        order: "window",
        limit: 10_000,
      });
      if (documents.length === 10_000) continue;
      const sum = mergeCounts(documents.map(({ body }) => body as UserWindowDocument));
      this.#same(`${nameOf(user)} and its days`, sum, mergeCounts([user]));
    }
  }

  /** Whether every record of the hour that holds a time was read. */
  #isRead(time: number): boolean {
    return this.#chosen.isWhole(windowStart(time, HOUR), HOUR);
  }

  #unresolvedIn(start: number, size: number): number {
    let found = 0;
    for (let hour = windowStart(start, HOUR); hour < start + size; hour += HOUR) {
      found += this.#unresolved.get(hour) ?? 0;
    }
    return found;
  }

  #same(name: string, expected: unknown, found: unknown): void {
    this.#report.documents++;
    this.#work.differences.compare("batch", name, expected, found);
  }

  #bound(name: string, right: boolean, { expected, found }: Looked): void {
    this.#report.bounded++;
    if (right) return;
    this.#work.differences.add({ check: "batch", what: `${name}, at least`, expected, found });
  }
}

/** The fields that come from a user's latest account record. */
function accountOf({ karma, karma_timestamp, username }: UserTotalDocument): unknown {
  return { karma, karma_timestamp, username };
}

/** Whether a stored distinct count contains all members of another one. */
function holds(stored: string, part: string): boolean {
  const union = new Distinct();
  union.addStored(stored);
  union.addStored(part);
  return union.toString() === stored;
}
