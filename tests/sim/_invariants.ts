/**
 * What must hold once everything has come to rest, whatever happened before.
 *
 * @module
 */

import {
  type ActivityDocument,
  BATCH_PART,
  countUnion,
  type CutDocument,
  DEAD_LETTER_TOPIC,
  encodeRecord,
  mergeActivity,
  mergeCounts,
  mergeSpellings,
  mergeTop,
  mergeUserTotals,
  partitionName,
  type PostDocument,
  type SubredditDocument,
  type Topic,
  TOPICS,
  type UserTotalDocument,
  type UserWindowDocument,
  type ViewDocument,
  VIEWS,
} from "@pipeline/core";
import { verify } from "@pipeline/batch";
import {
  CommitLog,
  hourFolder,
  type Manifest,
  readFolded,
  readLines,
  readManifest,
  readManifests,
  STATE,
  TEMPORARY,
} from "@pipeline/protocol";
import { type Answers, oracle, shownPost, type SidedFact } from "./_oracle.ts";
import type { World } from "./_world.ts";

/** Every acknowledged record is in the dataset once, or among the dead letters. */
export async function datasetProblems(world: World): Promise<string[]> {
  const problems: string[] = [];
  const letters = await deadLetters(world, problems);
  for (const topic of TOPICS) {
    for (let partition = 0; partition < world.partitions; partition++) {
      await partitionProblems(world, topic, partition, letters, problems);
    }
  }
  for (const name of letters.keys()) problems.push(`${name} is a dead letter that nobody sent`);
  const log = new CommitLog(world.ports.dataset);
  for (const { load, files } of await log.histories()) {
    const lines = [];
    for (const file of files) lines.push(...await readLines(world.ports.dataset, file));
    const expected = world.history.get(load)?.map(encodeRecord) ?? [];
    if (lines.sort().join("\n") !== expected.sort().join("\n")) {
      problems.push(`The load ${load} differs from what was staged`);
    }
  }
  return problems;
}

async function deadLetters(world: World, problems: string[]): Promise<Map<string, string>> {
  const { log } = world.ports;
  const letters = new Map<string, string>();
  for (const { partition, earliest, end } of await log.ranges(DEAD_LETTER_TOPIC)) {
    for await (const batch of log.read(DEAD_LETTER_TOPIC, partition, earliest, end)) {
      for (const { value } of batch.records) {
        const letter = JSON.parse(new TextDecoder().decode(value!));
        const name = `${letter.topic}-${letter.partition}@${letter.offset}`;
        const verdict = JSON.stringify([letter.reason, letter.value]);
        const before = letters.get(name) ?? verdict;
        if (before !== verdict) problems.push(`${name} has two verdicts: ${before}, ${verdict}`);
        if (!letter.reason) problems.push(`${name} is a dead letter without a reason`);
        letters.set(name, verdict);
      }
    }
  }
  return letters;
}

async function partitionProblems(
  world: World,
  topic: Topic,
  partition: number,
  letters: Map<string, string>,
  problems: string[],
): Promise<void> {
  const { dataset, log } = world.ports;
  const name = partitionName(topic, partition);
  const acknowledged = world.acknowledged.get(name) ?? new Map();
  const { commits, next } = await new CommitLog(dataset).read(topic, partition);
  const { end } = (await log.ranges(topic))[partition]!;
  if (next !== end) problems.push(`${name} is committed to ${next} of ${end}`);
  if ((commits[0]?.start ?? 0) !== 0) problems.push(`${name} begins at ${commits[0]!.start}`);
  const found = new Map<string, number>();
  const count = (line: string, by: number) => found.set(line, (found.get(line) ?? 0) + by);
  for (const commit of commits) {
    found.clear();
    for (const file of commit.files) {
      for (const line of await readLines(dataset, file)) {
        const { timestamp } = JSON.parse(line);
        if (!file.path.startsWith(hourFolder(topic, Date.parse(timestamp)))) {
          problems.push(`${file.path} holds a record of ${timestamp}`);
        }
        count(line, 1);
      }
    }
    const dead = new Set(commit.dead_letters);
    for (let offset = commit.start; offset < commit.end; offset++) {
      const record = acknowledged.get(offset);
      const at = `${name}@${offset}`;
      const poison = record !== undefined && record.fact === undefined;
      if (dead.has(offset) !== poison) problems.push(`${at} is wrongly judged`);
      if (record?.fact !== undefined) count(encodeRecord(record.fact), -1);
      const letter = letters.get(at);
      letters.delete(at);
      if (poison && letter === undefined) problems.push(`${at} is not among the dead letters`);
      if (!poison && letter !== undefined) problems.push(`${at} is a dead letter: ${letter}`);
      if (poison && letter !== undefined) {
        const value = record.value === null ? null : record.value.toBase64();
        if (JSON.parse(letter)[1] !== value) problems.push(`${at} has another value: ${letter}`);
      }
    }
    for (const [line, more] of found) {
      if (more !== 0) problems.push(`${name} ${commit.start}-${commit.end}: ${more} of ${line}`);
    }
  }
}

/** What is served for every key, merged. */
export async function answers(world: World, manifest: Manifest): Promise<Answers> {
  const { store } = world.ports;
  const keys = new Map<string, ViewDocument[]>();
  for (const view of VIEWS) {
    const query = { order: "id", limit: 10_000 } as const;
    const { documents } = await store.search(manifest.generation, view, query);
    if (documents.length === query.limit) throw new Error("Too many documents for one page");
    for (const { body } of documents) {
      const key = keyOf(body);
      keys.set(key, [...keys.get(key) ?? [], body]);
    }
  }
  const merged: Answers = new Map();
  for (const [key, parts] of keys) {
    const value = merge(parts);
    if (value !== undefined) merged.set(key, JSON.stringify(value));
  }
  return merged;
}

function keyOf(body: ViewDocument): string {
  switch (body.type) {
    case "post":
    case "cut":
      return `top ${body.subreddit}`;
    case "subreddit":
      return `subreddit ${body.subreddit}`;
    case "activity":
      return `activity ${body.window} ${body.window_start} ${body.subreddit}`;
    case "user_window":
      return `user ${body.window} ${body.window_start} ${body.user_id}`;
    case "user_total":
      return `user total ${body.user_id}`;
  }
}

function merge(parts: readonly ViewDocument[]): unknown {
  switch (parts[0]!.type) {
    case "post":
    case "cut":
      return mergePosts(parts as (PostDocument | CutDocument)[]);
    case "subreddit":
      return mergeSpellings(parts as SubredditDocument[]);
    case "activity":
      return mergeActivity(parts as ActivityDocument[]);
    case "user_window": {
      const { posts, comments } = mergeCounts(parts as UserWindowDocument[]);
      // Taken back to nothing is no answer.
      return posts + comments === 0 ? undefined : { posts, comments };
    }
    case "user_total": {
      const total = mergeUserTotals(parts as UserTotalDocument[]);
      const { posts, comments, last_active, karma_timestamp, karma, username } = total;
      const { name, name_timestamp, subreddits } = total;
      const account = { karma_timestamp, karma, username };
      const known = { posts, comments, last_active, ...account, name, name_timestamp };
      return { ...known, subreddits: countUnion([subreddits]) };
    }
  }
}

/** The longest list of posts that is proved; nothing where none is. */
function mergePosts(parts: readonly (PostDocument | CutDocument)[]): unknown {
  const cut = parts.find((part) => part.type === "cut");
  const posts = parts.filter((part) => part.type === "post");
  const batch = posts.filter((post) => post.part === BATCH_PART);
  const speed = posts.filter((post) => post.part !== BATCH_PART);
  if (cut === undefined) return mergeTop(Infinity, batch, speed).items.map(shownPost);
  for (let k = posts.length; k > 0; k--) {
    const { items, exact } = mergeTop(k, batch, speed, cut);
    if (exact) return items.map(shownPost);
  }
  return undefined;
}

/** The facts that a generation must show, and on which side of its horizon they are. */
export async function sidedFacts(world: World, manifest: Manifest): Promise<SidedFact[]> {
  const folded = await readFolded(world.ports.store, manifest.generation);
  const facts: SidedFact[] = [];
  for (const records of world.acknowledged.values()) {
    for (const { topic, partition, offset, fact } of records.values()) {
      if (fact === undefined) continue;
      const name = partitionName(topic, partition);
      const below = offset < manifest.horizon[topic][partition]!;
      const end = folded.find((f) => partitionName(f.topic, f.partition) === name)?.next_offset;
      if (!below && offset >= (end ?? 0)) throw new Error(`${name}@${offset} is not folded yet`);
      facts.push({ side: below ? BATCH_PART : name, fact });
    }
  }
  for (const load of manifest.history) {
    for (const fact of world.history.get(load) ?? []) facts.push({ side: BATCH_PART, fact });
  }
  return facts;
}

/** The merged answers are those of the oracle, and `verify` agrees. */
export async function servedProblems(world: World): Promise<string[]> {
  const { store } = world.ports;
  const generation = await store.current();
  if (generation === undefined) return ["Nothing is served"];
  const manifest = (await readManifest(store, generation))?.manifest;
  if (manifest === undefined) return [`Generation ${generation} has no manifest`];
  const problems: string[] = [];
  const expected = oracle(await sidedFacts(world, manifest), {
    retained: manifest.retained_from,
    userWindows: manifest.settings.userWindows,
  });
  const found = await answers(world, manifest);
  for (const [key, value] of expected) {
    const served = found.get(key);
    if (key.startsWith("top ")) {
      const [all, proved] = [JSON.parse(value), JSON.parse(served ?? "[]")];
      if (proved.length === 0 && manifest.keep < all.length) continue;
      const whole = manifest.keep >= all.length ? all : all.slice(0, proved.length);
      if (JSON.stringify(whole) === JSON.stringify(proved)) continue;
    } else if (served === value) continue;
    problems.push(`${key}: the oracle says ${value}, served is ${served}`);
  }
  for (const [key, value] of found) {
    if (!expected.has(key)) problems.push(`${key}: served is ${value}, the oracle knows nothing`);
  }
  const report = await verify({ ...world.ports, merged: true, ledger: world.ledger() });
  for (const difference of report.first.slice(0, 5)) {
    problems.push(`verify: ${JSON.stringify(difference)}`);
  }
  return problems;
}

/** Nothing is left of runs that did not finish. To be called after a run and a sweep. */
export async function leftovers(world: World): Promise<string[]> {
  const { store, dataset } = world.ports;
  const problems: string[] = [];
  const current = await store.current();
  const generations = await store.generations();
  const manifests = (await readManifests(store)).map(({ manifest }) => manifest);
  const states = manifests.map((m) => `${m.generation} ${m.state}`).join(", ");
  if (generations.length > 2 || !generations.includes(current ?? 0)) {
    problems.push(`Generations ${generations} have indices, ${current} is served: ${states}`);
  }
  if (manifests.map((m) => m.generation).join() !== generations.join()) {
    problems.push(`Generations ${generations} have indices, manifests: ${states}`);
  }
  if (manifests.some((m) => m.state !== (m.generation === current ? "live" : "previous"))) {
    problems.push(`${current} is served: ${states}`);
  }
  const offsets = [...await store.controls("folded/"), ...await store.controls("reached/")];
  for (const { id } of offsets) {
    if (!generations.includes(Number(id.split("/")[1]))) problems.push(`Orphan control ${id}`);
  }
  const kept = (await dataset.list(`${STATE}/manifests`)).map((file) => Number(file.name));
  if (kept.some((generation) => !generations.includes(generation))) {
    problems.push(`States of ${kept} are stored, generations are ${generations}`);
  }
  const referred = new Set<string>();
  for (const { name } of await dataset.list(`${STATE}/manifests`)) {
    const state = JSON.parse(await text(world, `${STATE}/manifests/${name}`));
    for (const day of state.days) referred.add(day.sections.posts.path.split("/")[1]);
  }
  for (const { name } of await dataset.list(STATE)) {
    if (name !== "manifests" && !referred.has(name)) problems.push(`Orphan state ${name}`);
  }
  for (const { name } of await dataset.list(TEMPORARY)) problems.push(`Orphan writer ${name}`);
  const committed = await committedFiles(world);
  for (const path of await files(world, "/data")) {
    if (!path.startsWith("/data/_") && !committed.has(path)) problems.push(`Orphan file ${path}`);
  }
  return problems;
}

async function committedFiles(world: World): Promise<Set<string>> {
  const log = new CommitLog(world.ports.dataset);
  const paths = new Set<string>();
  for (const { topic, partition } of await log.partitions()) {
    for (const { files } of (await log.read(topic, partition)).commits) {
      for (const file of files) paths.add(`/data/${file.path}`);
    }
  }
  for (const { files } of await log.histories()) {
    for (const file of files) paths.add(`/data/${file.path}`);
  }
  return paths;
}

async function files(world: World, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, type } of await world.ports.dataset.list(folder)) {
    const path = `${folder}/${name}`;
    if (type === "file") found.push(path);
    else found.push(...await files(world, path));
  }
  return found;
}

async function text(world: World, path: string): Promise<string> {
  let whole = "";
  for await (const chunk of world.ports.dataset.read(path)) {
    whole += new TextDecoder().decode(chunk);
  }
  return whole;
}
