/**
 * The questions that parts are asked, answered by the store: for parts that no fold answers for.
 *
 * @module
 */

import { type Topic, type TopicPartition, type ViewDocument, withPart } from "@pipeline/core";
import {
  type PartDocuments,
  type PartQuery,
  PARTS_BOUNDS,
  type PartsQuestion,
  type WindowRange,
} from "@pipeline/protocol";
import { type DocumentOf, sumBySubreddit, TOPICS_OF } from "./documents.ts";
import { PAGE, searchAll, type StoredViews } from "./search.ts";

/** A part of speed. */
export interface SpeedPart extends TopicPartition {
  /** Its name, such as `reddit.posts-0`. */
  readonly name: string;
}

/** The answers of the store. */
export interface StoredAnswers {
  /** The answers to each question, in their order, by the part's name. */
  readonly answers: ReadonlyMap<string, readonly PartDocuments[]>;
  /** False if a part of the store did not answer: documents may be missing. */
  readonly complete: boolean;
}

/** The answer to one question, by part; parts without documents may be missing. */
interface Answer {
  readonly byPart: ReadonlyMap<string, PartDocuments>;
  readonly complete: boolean;
}

/** Asks the store what parts are asked. */
export async function readStored(
  views: StoredViews,
  { parts, questions }: {
    readonly parts: readonly SpeedPart[];
    readonly questions: readonly PartsQuestion[];
  },
): Promise<StoredAnswers> {
  const all = await Promise.all(questions.map((question) => answer(views, question, parts)));
  return {
    answers: new Map(
      parts.map(({ name }) => [name, all.map(({ byPart }) => byPart.get(name) ?? [])]),
    ),
    complete: all.every(({ complete }) => complete),
  };
}

async function answer(
  views: StoredViews,
  question: PartsQuestion,
  parts: readonly SpeedPart[],
): Promise<Answer> {
  const topics: readonly Topic[] = "totals" in question
    ? TOPICS_OF.subreddit_activity
    : TOPICS_OF[question.view];
  const names = parts.filter(({ topic }) => topics.includes(topic)).map(({ name }) => name);
  if (names.length === 0) return { byPart: new Map(), complete: true };
  if ("totals" in question) return await totals(views, question.totals, names);
  if ("keys" in question) return await documents(views, question, names);
  return await found(views, question, names);
}

async function documents(
  { store, generation }: StoredViews,
  { view, keys }: Extract<PartsQuestion, { keys: unknown }>,
  parts: readonly string[],
): Promise<Answer> {
  if (keys.length === 0) return { byPart: new Map(), complete: true };
  const ids = parts.flatMap((part) => keys.map((key) => withPart(part, key)));
  const bodies = (await store.get(generation, view, ids)).flatMap((document) =>
    document?.body ?? []
  );
  return { byPart: Map.groupBy(bodies, ({ part }) => part), complete: true };
}

async function totals(
  views: StoredViews,
  { window, from, to }: WindowRange,
  parts: readonly string[],
): Promise<Answer> {
  const query = { type: "activity", window, from, to, order: "window", parts } as const;
  const { documents, complete } = await searchAll(views, { view: "subreddit_activity", query });
  const bodies = documents.map(({ body }) => body as DocumentOf<"activity">);
  const byPart = new Map(
    [...Map.groupBy(bodies, ({ part }) => part)].map(([part, own]) => [part, sumBySubreddit(own)]),
  );
  return { byPart, complete };
}

/** The first documents of each part, in the query's order. */
async function found(
  views: StoredViews,
  { view, query }: { readonly view: keyof typeof TOPICS_OF; readonly query: PartQuery },
  parts: readonly string[],
): Promise<Answer> {
  const { limit, ...all } = query;
  // The greatest limit stands for everything: the store can go on where a fold has to stop.
  const whole = limit >= PARTS_BOUNDS.documents;
  const size = whole ? Infinity : Math.min(PAGE, limit * parts.length);
  const first = await searchAll(views, {
    view,
    query: { ...all, parts, ...(whole ? {} : { limit: size }) },
  });
  const byPart = Map.groupBy(first.documents, ({ body }) => body.part);
  let { complete } = first;
  if (first.documents.length >= size) {
    const after = first.documents.at(-1)!;
    await Promise.all(parts.map(async (part) => {
      const own = byPart.get(part) ?? [];
      if (own.length >= limit) return;
      const more = { ...all, parts: [part], after, limit: limit - own.length };
      const rest = await searchAll(views, { view, query: more });
      complete &&= rest.complete;
      byPart.set(part, [...own, ...rest.documents]);
    }));
  }
  const bodies = new Map<string, readonly ViewDocument[]>();
  for (const [part, own] of byPart) {
    bodies.set(part, (whole ? own : own.slice(0, limit)).map(({ body }) => body));
  }
  return { byPart: bodies, complete };
}
