/**
 * The fold as speed does it: a state for each topic-partition, in slices, after each of which the
 * event loop has a turn; and point queries that come meanwhile, answered in that turn as text.
 *
 * @module
 */

import {
  DEFAULT_SETTINGS,
  documentKey,
  type Entity,
  keyOf,
  nameKey,
  partitionFor,
  partitionName,
  recordBytes,
  type Topic,
  topicOf,
  type ViewName,
  ViewState,
} from "@pipeline/core";
import { history } from "@pipeline/generator";
import type { PartsQuestion } from "@pipeline/protocol";
import { Turns } from "@pipeline/speed";
import { processorTime } from "./_figure.ts";
import { HISTORY_END } from "./_history.ts";
import { PARTITIONS } from "./_servers.ts";

/** Records that are folded between two looks at the clock, as in speed. */
const STRIDE = 128;

/** Records of one partition that follow each other, as a consumer gets them. */
const BATCH = 500;

/** Milliseconds of the windows that are asked for. */
const RANGE = 2 * 86_400_000;

/** Records of one topic-partition that follow each other. */
export interface Batch {
  readonly part: string;
  readonly topic: Topic;
  readonly values: readonly Uint8Array[];
}

/** What {@linkcode answeredFold} takes. */
export interface AnsweredFold {
  readonly batches: readonly Batch[];
  /** What each query asks every part, in turns. */
  readonly queries: readonly (readonly PartsQuestion[])[];
  /** Queries a second. */
  readonly rate: number;
}

/** The generator's history by topic-partition, and queries about its records. */
export function historyBatches(): Pick<AnsweredFold, "batches" | "queries"> {
  const batches: Batch[] = [];
  const open = new Map<string, { readonly topic: Topic; readonly values: Uint8Array[] }>();
  const queries: PartsQuestion[][] = [];
  const close = (part: string) => {
    const batch = open.get(part)!;
    batches.push({ part, ...batch });
    open.delete(part);
  };
  for (const record of history({ seed: 1, end: HISTORY_END })) {
    const topic = topicOf(record);
    const part = partitionName(topic, partitionFor(keyOf(record), PARTITIONS));
    if (!open.has(part)) open.set(part, { topic, values: [] });
    const { values } = open.get(part)!;
    if (values.push(recordBytes(record)) === BATCH) close(part);
    if (batches.length > queries.length) queries.push(questionsAbout(record, queries.length));
  }
  for (const part of [...open.keys()]) close(part);
  return { batches, queries };
}

/**
 * Folds all batches, and answers the queries that are due. Returns their number. Their second is one
 * of processor time: what a core that nothing else uses would be asked.
 */
export async function answeredFold({ batches, queries, rate }: AnsweredFold): Promise<number> {
  const states = new Map<string, ViewState>();
  const begun = processorTime();
  let answered = 0;
  const answerDue = () => {
    for (; answered < (processorTime() - begun) * rate / 1000; answered++) {
      const questions = queries[answered % queries.length]!;
      JSON.stringify(
        [...states].map(([part, state]) => questions.map((q) => answer(part, state, q))),
      );
    }
  };
  const turns = new Turns({
    pause: async () => {
      await new Promise((resolve) => setTimeout(resolve));
      answerDue();
    },
  });
  for (const { part, topic, values } of batches) {
    const state = states.get(part) ?? new ViewState(DEFAULT_SETTINGS, { track: true });
    states.set(part, state);
    for (let at = 0; at < values.length;) {
      await turns.run((over) => {
        do {
          const end = Math.min(at + STRIDE, values.length);
          for (; at < end; at++) state.addBytes(topic, values[at]!);
        } while (at < values.length && !over());
      });
    }
  }
  return answered;
}

/** The questions of one of the API's point queries: best posts, a subreddit's days, a user's days. */
function questionsAbout(record: Entity, number: number): PartsQuestion[] {
  const range = { window: "1h", from: HISTORY_END - RANGE, to: HISTORY_END } as const;
  const subreddit = "subreddit" in record ? nameKey(record.subreddit ?? "") : "";
  if (number % 3 === 0 || subreddit === "") return userQuestions(nameKey(record.user_id));
  const names = keysQuestion("subreddit_activity", documentKey({ type: "subreddit", subreddit }));
  const order = number % 3 === 1 ? "rank" : "window";
  return order === "rank"
    ? [names, { view: "top_posts", query: { type: "post", subreddit, order, limit: 20 } }]
    : [names, {
      view: "subreddit_activity",
      query: { type: "activity", subreddit, ...range, order, limit: 1_000 },
    }];
}

function userQuestions(user_id: string): PartsQuestion[] {
  const days = { window: "1d", from: 0, to: HISTORY_END, order: "window", limit: 1_000 } as const;
  return [
    keysQuestion("user_activity", documentKey({ type: "user_total", user_id })),
    { view: "user_activity", query: { type: "user_window", user_id, ...days } },
  ];
}

function keysQuestion(view: ViewName, key: string): PartsQuestion {
  return { view, keys: [key] };
}

function answer(part: string, state: ViewState, question: PartsQuestion): unknown {
  if ("totals" in question) return state.totals(question.totals);
  if ("query" in question) return state.search(part, question.view, question.query);
  return question.keys.flatMap((key) => state.get(part, question.view, key) ?? []);
}
