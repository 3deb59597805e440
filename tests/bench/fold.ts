/**
 * The fold of all three views against what any fold of JSON lines must do: decode,
 * parse, look up; and as speed does it, beside queries.
 *
 * @module
 */

import { DEFAULT_SETTINGS, parseText, ViewState } from "@pipeline/core";
import { answeredFold, historyBatches } from "./_answered_fold.ts";
import {
  collectGarbage,
  type Figure,
  inTurns,
  median,
  processorTime,
  rate,
  ratio,
} from "./_figure.ts";
import { historyLines, type Line } from "./_history.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Quicker, and lets through what is not UTF-8. */
const lenient = new TextDecoder();

// deno-lint-ignore no-explicit-any -- the yardstick checks nothing
type Json = any;

/** Queries a second that are answered beside a fold. */
const QUERIES = 1_000;

/** Thousands of records a second of processor time that the fold must do beside them. */
const BESIDE_QUERIES = 100;

const ROUNDS = 3;

/** Runs the benchmark. */
export async function fold(): Promise<Figure[]> {
  return [...foldAlone(), ...await foldAnswering()];
}

/** The fold in turns, alone and beside queries, both by turns. */
async function foldAnswering(): Promise<Figure[]> {
  const { batches, queries } = historyBatches();
  const records = batches.reduce((sum, { values }) => sum + values.length, 0);
  const rates = [0, QUERIES];
  const times: number[][] = rates.map(() => []);
  let answered = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, queriesASecond] of rates.entries()) {
      collectGarbage();
      const started = processorTime();
      answered = await answeredFold({ batches, queries, rate: queriesASecond });
      if (round > 0) times[i]!.push(processorTime() - started);
    }
  }
  const [alone, beside] = times.map((of) => median(of)) as [number, number];
  return [{
    what: "fold in slices, partition by partition",
    value: rate(records, alone),
  }, {
    what: `the same, ${QUERIES} queries/s answered by the same loop`,
    value: rate(records, beside),
    against: `${ratio(alone / beside)} x without; ${answered} queries`,
    goal: `at least ${BESIDE_QUERIES} k records/s`,
    reached: records / beside >= BESIDE_QUERIES,
  }];
}

function foldAlone(): Figure[] {
  const lines = historyLines();
  const parse = ({ bytes }: Line): Json => JSON.parse(decoder.decode(bytes));
  const times = inTurns({
    parse() {
      let sum = 0;
      for (const line of lines) sum += parse(line).timestamp.length;
      return sum;
    },
    group() {
      const activity = new Map<string, number>();
      for (const line of lines) {
        const r = parse(line);
        bump(activity, `${r.subreddit} ${r.created_utc.slice(0, 16)}`);
      }
      return activity;
    },
    lenient() {
      const activity = new Map<string, number>();
      for (const { bytes } of lines) {
        const r = JSON.parse(lenient.decode(bytes)) as Json;
        bump(activity, `${r.subreddit} ${r.created_utc.slice(0, 16)}`);
      }
      return activity;
    },
    groups() {
      const activity = new Map<string, number>();
      const users = new Map<string, number>();
      const posts = new Map<string, Json>();
      for (const line of lines) {
        const r = parse(line);
        bump(activity, `${r.subreddit} ${r.created_utc.slice(0, 16)}`);
        bump(users, `${r.user_id} ${r.created_utc.slice(0, 10)}`);
        if (line.topic !== "reddit.posts") continue;
        const known = posts.get(r.post_id);
        if (known === undefined || known.timestamp < r.timestamp) posts.set(r.post_id, r);
      }
      return [activity, users, posts];
    },
    keys() {
      const counts = new Map<string, number>();
      const posts = new Map<string, Json>();
      for (const line of lines) {
        const r = parse(line);
        const created = r.created_utc;
        bump(counts, `${r.subreddit} ${created.slice(0, 16)}`);
        bump(counts, `${r.subreddit} ${created.slice(0, 13)}`);
        bump(counts, `${r.subreddit} ${created.slice(0, 10)}`);
        bump(counts, `${r.user_id} ${created.slice(0, 10)}`);
        bump(counts, r.user_id);
        if (line.topic !== "reddit.posts") continue;
        const known = posts.get(r.post_id);
        if (known === undefined || known.timestamp < r.timestamp) posts.set(r.post_id, r);
      }
      return [counts, posts];
    },
    read() {
      let sum = 0;
      for (const { topic, bytes } of lines) {
        sum += parseText(topic, decoder.decode(bytes)).timestamp;
      }
      return sum;
    },
    fold() {
      const state = new ViewState(DEFAULT_SETTINGS);
      for (const { topic, bytes } of lines) state.addBytes(topic, bytes);
      return state;
    },
  }, ROUNDS);
  const of = (name: keyof typeof times) => rate(lines.length, times[name]);
  const against = (subject: keyof typeof times, yardstick: keyof typeof times) =>
    times[yardstick] / times[subject];
  return [
    { what: "yardstick: JSON.parse", value: of("parse") },
    { what: "yardstick: parse and one group", value: of("group") },
    { what: "yardstick: the same, UTF-8 unchecked", value: of("lenient") },
    { what: "yardstick: parse and a group a view", value: of("groups") },
    { what: "yardstick: parse and count every key of the views", value: of("keys") },
    {
      what: "parse with every check",
      value: of("read"),
      against: `${ratio(against("read", "parse"))} x JSON.parse`,
    },
    {
      what: "fold of three views",
      value: of("fold"),
      against: `${ratio(against("fold", "group"))} x parse and one group`,
      goal: "0.60",
      reached: against("fold", "group") >= 0.6,
    },
    {
      what: "the same",
      value: of("fold"),
      against: `${ratio(against("fold", "lenient"))} x the same, UTF-8 unchecked`,
    },
    {
      what: "the same",
      value: of("fold"),
      against: `${ratio(against("fold", "groups"))} x parse and a group a view`,
    },
    {
      what: "the same",
      value: of("fold"),
      against: `${ratio(against("fold", "keys"))} x parse and count every key`,
    },
  ];
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
