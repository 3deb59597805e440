/**
 * Compares answers of the API with what they must be at the vectors that they name: batch's
 * documents of their generation, merged with the fold of the log from the horizon to the vector.
 *
 * @module
 */

import {
  type ActivityDocument,
  admitRecord,
  canonicalJson,
  eachOffset,
  type EventLog,
  formatTime,
  mergeActivity,
  mergeCounts,
  partitionName,
  RecordError,
  TOPICS,
  type UserWindowDocument,
  type ViewDocument,
  ViewState,
} from "@pipeline/core";
import { type Manifest, readManifest } from "@pipeline/protocol";
import { assert, assertEquals } from "@std/assert";
import type { Answer, Place, Question } from "./_answers.ts";

/** Most answers of a generation that are compared. */
const MOST = 40;

/** A generation, and batch's documents for each question. */
interface Known {
  readonly manifest: Manifest;
  readonly batch: ReadonlyMap<Question, readonly ViewDocument[]>;
}

/** What answers to some questions must be. */
export class Exactness {
  readonly #stage: Pick<Place, "log" | "store">;
  readonly #questions: readonly Question[];
  readonly #known = new Map<number, Known>();

  /** Reads nothing yet. */
  constructor(stage: Pick<Place, "log" | "store">, questions: readonly Question[]) {
    this.#stage = stage;
    this.#questions = questions;
  }

  /** Reads batch's documents of the served generation, before a fault may take them away. */
  async remember(): Promise<void> {
    const generation = await this.#stage.store.current();
    assert(generation !== undefined, "nothing is served");
    await this.#of(generation);
  }

  /**
   * Compares a selection of answers of each generation. Answers with parts from the store are passed over:
   * their vector is a lower bound, since the store may hold later documents.
   *
   * @returns how many were compared. Throws where one differs, or where there is none.
   */
  async compare(answers: readonly Answer[]): Promise<number> {
    const inMemory = answers.filter(({ provenance: { sources } }) =>
      TOPICS.every((topic) => sources[topic].every((source) => source === "memory"))
    );
    let compared = 0;
    for (const [generation, all] of Map.groupBy(inMemory, (a) => a.provenance.generation)) {
      const chosen = spread(all, MOST);
      const { manifest, batch } = await this.#of(generation);
      const live = await liveDocuments(this.#stage.log, manifest, chosen);
      for (const answer of chosen) {
        const { question, items, provenance: { folded } } = answer;
        const expected = merged(question, [...batch.get(question)!, ...live.get(answer)!]);
        const where = `${question.path} in generation ${generation} at ${JSON.stringify(folded)}`;
        assertEquals(canonicalJson(items), canonicalJson(expected), `${where} is not exact`);
        compared++;
      }
    }
    assert(compared > 0, "no answer could be compared");
    return compared;
  }

  async #of(generation: number): Promise<Known> {
    const known = this.#known.get(generation);
    if (known !== undefined) return known;
    const { store } = this.#stage;
    const found = await readManifest(store, generation);
    assert(found !== undefined, `generation ${generation} has answered, and has no manifest`);
    const batch = new Map<Question, readonly ViewDocument[]>();
    for (const question of this.#questions) {
      const query = { ...question.query, layer: "batch" } as const;
      const { documents, complete } = await store.search(generation, question.view, query);
      assert(complete, `the store does not have all of ${question.path}`);
      batch.set(question, documents.map(({ body }) => body));
    }
    const read = { manifest: found.manifest, batch };
    this.#known.set(generation, read);
    return read;
  }
}

/** The documents of speed that each answer includes, by one fold of each partition. */
async function liveDocuments(
  log: EventLog,
  { horizon, settings, retained_from: retained }: Manifest,
  answers: readonly Answer[],
): Promise<ReadonlyMap<Answer, ViewDocument[]>> {
  const live = new Map<Answer, ViewDocument[]>(answers.map((answer) => [answer, []]));
  for (const { topic, partition, offset: from } of eachOffset(horizon)) {
    const part = partitionName(topic, partition);
    const state = new ViewState(settings, { retained });
    const byEnd = Map.groupBy(answers, ({ provenance }) => provenance.folded[topic][partition]!);
    const stops = [...byEnd.keys()].sort((a, b) => a - b);
    const take = (stop: number) => {
      for (const answer of byEnd.get(stop)!) {
        const { view, query } = answer.question;
        live.get(answer)!.push(...state.search(part, view, query));
      }
    };
    let at = 0;
    const end = stops.at(-1)!;
    if (end > from) {
      for await (const { records } of log.read(topic, partition, from, end)) {
        for (const { offset, value, timestamp } of records) {
          while (offset >= stops[at]!) take(stops[at++]!);
          try {
            state.add(admitRecord(topic, value, timestamp, { maxFuture: settings.maxFuture }));
          } catch (error) {
            if (!(error instanceof RecordError)) throw error;
          }
        }
      }
    }
    for (const stop of stops.slice(at)) take(stop);
  }
  return live;
}

/** The items of an answer that is merged from these documents. */
function merged({ view }: Question, documents: readonly ViewDocument[]): unknown[] {
  const windows = documents as readonly (ActivityDocument | UserWindowDocument)[];
  const byStart = [...Map.groupBy(windows, ({ window_start }) => window_start)];
  return byStart.sort(([a], [b]) => a - b).map(([start, parts]) => ({
    window_start: formatTime(start),
    ...(view === "user_activity"
      ? mergeCounts(parts as UserWindowDocument[])
      : mergeActivity(parts as ActivityDocument[])),
  })).filter(({ posts, comments }) => posts + comments > 0);
}

/** So many of the elements, evenly spread over all of them. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.floor(i * all.length / most)]!);
}
