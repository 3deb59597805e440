/**
 * Folds in memory that can be asked, as the pods of speed hold them: each has the documents of a
 * prefix of one partition's records.
 *
 * @module
 */

import { assert } from "@std/assert";
import {
  type ActivityDocument,
  DEFAULT_SETTINGS,
  documentId,
  partitionName,
  type TopicPartition,
  type ViewDocument,
  viewOf,
  VIEWS,
  ViewState,
} from "@pipeline/core";
import {
  type Folded,
  type LiveParts,
  type PartAnswer,
  type PartDocuments,
  PARTS_BOUNDS,
  type PartsQuestion,
  type PartsRequest,
} from "@pipeline/protocol";
import { MemoryStore } from "@pipeline/adapters/testing";
import { sumBySubreddit } from "../reading/documents.ts";
import { ends, type Layers, ofPartition, type WorldOptions } from "./world.ts";

/** One fold: its position, and its documents. */
export interface Fold extends Folded {
  /** The generation that it belongs to. */
  readonly generation: number;
  /** All documents of the part. */
  readonly documents: readonly ViewDocument[];
}

/** The fold of the first `count` records of a partition from the horizon on. */
export function foldOf(
  layers: Layers,
  { topic, partition, count }: TopicPartition & { readonly count: number },
  options: WorldOptions = {},
): Fold {
  const { batch = [], speed = [] } = layers;
  const { generation = 1, retained, settings = DEFAULT_SETTINGS } = options;
  const records = ofPartition(speed, { topic, partition }, options).slice(0, count);
  const state = new ViewState(settings, retained === undefined ? {} : { retained });
  for (const record of records) state.add(record);
  const none = { dead_letters: 0, duplicates: 0, retired: 0, unresolved: 0 };
  return {
    generation,
    topic,
    partition,
    next_offset: ends(batch, options)[topic][partition]! + records.length,
    records: records.length,
    keys: state.keys,
    ...none,
    documents: [...state.documents(partitionName(topic, partition))],
  };
}

/** The folds of all records of all partitions. */
export function foldAll(layers: Layers, options: WorldOptions = {}): Fold[] {
  const { unfolded = [], partitions = 3 } = options;
  return (["reddit.posts", "reddit.comments", "reddit.users"] as const).flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => partition)
      .filter((partition) => !unfolded.includes(partitionName(topic, partition)))
      .map((partition) => foldOf(layers, { topic, partition, count: Infinity }, options))
  );
}

/** Folds that answer every question. Several may be of one part. */
export class FakeParts implements LiveParts {
  /** The folds that answer; a test may replace them. */
  folds: readonly Fold[];
  /** All requests so far. */
  readonly requests: PartsRequest[] = [];

  /** Creates folds that can be asked. */
  constructor(folds: readonly Fold[]) {
    this.folds = folds;
  }

  /** See {@linkcode LiveParts.ask}. Fails for a request beyond the bounds, which no pod answers. */
  async ask(request: PartsRequest): Promise<readonly PartAnswer[]> {
    checkBounds(request);
    this.requests.push(request);
    const asked = this.folds.filter(({ generation }) => generation === request.generation);
    return await Promise.all(asked.map((fold) => answerOf(fold, request)));
  }
}

async function answerOf(fold: Fold, { questions }: PartsRequest): Promise<PartAnswer> {
  const { documents, generation: _, ...folded } = fold;
  // A store of its own has the queries' meaning.
  const store = new MemoryStore();
  await store.createGeneration(1);
  for (const view of VIEWS) {
    const own = documents.filter((document) => viewOf(document) === view);
    await store.write(1, view, own.map((body) => ({ id: documentId(body), version: 1, body })));
  }
  const part = partitionName(fold.topic, fold.partition);
  const answers = await Promise.all(
    questions.map((question) => documentsOf(store, part, question)),
  );
  return { ...folded, answers };
}

async function documentsOf(
  store: MemoryStore,
  part: string,
  question: PartsQuestion,
): Promise<PartDocuments> {
  if ("keys" in question) {
    const found = await store.get(1, question.view, question.keys.map((key) => `${part}|${key}`));
    return found.flatMap((document) => document?.body ?? []);
  }
  if ("query" in question) {
    const { documents } = await store.search(1, question.view, question.query);
    return documents.map(({ body }) => body);
  }
  const all = { type: "activity", ...question.totals, order: "window", limit: 10_000 } as const;
  const { documents } = await store.search(1, "subreddit_activity", all);
  return sumBySubreddit(documents.map(({ body }) => body as ActivityDocument));
}

function checkBounds(request: PartsRequest): void {
  const { questions } = request;
  const bytes = new TextEncoder().encode(JSON.stringify(request)).length;
  const keys = questions.flatMap((question) => "keys" in question ? question.keys : []);
  assert(questions.length <= PARTS_BOUNDS.questions, `${questions.length} questions`);
  assert(keys.length <= PARTS_BOUNDS.keys, `${keys.length} keys`);
  assert(bytes <= PARTS_BOUNDS.body, `${bytes} bytes`);
  for (const question of questions) {
    if ("query" in question) assert(question.query.limit <= PARTS_BOUNDS.documents);
  }
}
