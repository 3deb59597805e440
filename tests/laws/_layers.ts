/**
 * Both layers over one log: batch below a horizon, speed from it on, as functions of a
 * scenario that says what is delivered when, who crashes, and in which order writes
 * reach the store.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  BATCH_PART,
  canonicalJson,
  documentId,
  type Entity,
  type LogBatch,
  partitionName,
  type RetainedFrom,
  type ViewDocument,
  type ViewSettings,
  ViewState,
} from "@pipeline/core";
import { continueFrom } from "@pipeline/protocol";
import fc from "fast-check";
import { admitted, anyRetention, anyValues, appendAll, ingested, type Partition } from "./_logs.ts";

/** One thing that happens to a partition's fold. */
interface Step {
  /** Which partition, modulo their number. */
  readonly at: number;
  /** Delivers from so many offsets before the expected one, */
  readonly back: number;
  /** so many records. */
  readonly take: number;
  /** Writes what changed afterwards. */
  readonly flush: boolean;
  /** Starts anew from the horizon before that. */
  readonly crash: boolean;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  at: fc.nat(8),
  back: fc.nat(3),
  take: fc.integer({ min: 1, max: 6 }),
  flush: fc.boolean(),
  crash: fc.nat(9).map((n) => n === 0),
});

/** A log and what happens to it. */
export const anyScenario = fc.record({
  partitions: fc.integer({ min: 1, max: 3 }),
  values: anyValues,
  cuts: fc.array(fc.nat(8), { minLength: 9, maxLength: 9 }),
  steps: fc.array(anyStep, { maxLength: 30, size: "max" }),
  /** Of a second owner, who does not know that it lost its partitions and stops anywhere. */
  zombie: fc.array(anyStep, { maxLength: 10, size: "max" }),
  /** Decides the order in which writes of different writers reach the store. */
  order: fc.array(fc.nat(99), { minLength: 10, maxLength: 10 }),
  retained: anyRetention,
  settings: fc.constantFrom<ViewSettings>(
    { userWindows: ["1d"], maxFuture: 86_400_000 },
    { userWindows: ["1m", "1d"], maxFuture: 86_400_000 },
  ),
});

/** See {@linkcode anyScenario}. */
export type Scenario = typeof anyScenario extends fc.Arbitrary<infer T> ? T : never;

/** Rules that are broken on purpose. */
export interface LayerRules {
  /** Batch takes what it has by event time, and speed the rest of what comes. */
  readonly cut?: "time";
  /** Speed adds what is new to the stored counts instead of writing whole values. */
  readonly writes?: "increments";
  /** The store keeps what came last. */
  readonly versions?: "arrival";
  /** Speed does not take in when records were retrieved. */
  readonly retrieval?: "forgotten";
  /** Speed compares names to the letter. */
  readonly names?: "letter";
}

interface Write {
  readonly version: number;
  readonly body: ViewDocument;
}

type Writes = Map<string, Write>[];

/** The partitions' horizons. */
function cutsOf(log: readonly Partition[], scenario: Scenario): number[] {
  return log.map(({ records }, i) => scenario.cuts[i]! % (records.length + 1));
}

/** What the layers hold and what they were made from. */
export interface Layers {
  /** All usable records, as batch would read them. */
  readonly all: readonly Entity[];
  /** The records of each part: batch's, then those of each partition. */
  readonly parts: readonly (readonly Entity[])[];
  /** Every document that readers find. */
  readonly documents: readonly ViewDocument[];
}

/** Runs both layers. */
export function runLayers(scenario: Scenario, rules: LayerRules = {}): Layers {
  const log = appendAll(scenario.values, scenario.partitions);
  const cuts = cutsOf(log, scenario);
  const read = (from: (i: number) => number, to: (i: number) => number) =>
    log.map(({ topic, records }, i) =>
      records.slice(from(i), to(i)).flatMap((record) => ingested(topic, record) ?? [])
    );
  const below = read(() => 0, (i) => cuts[i]!).flat();
  const beyond = read((i) => cuts[i]!, () => Infinity);
  // By time: the line that would be drawn is after the newest record that batch has.
  const line = Math.max(0, ...below.map((record) => record.timestamp));
  const speedTakes = (record: Entity) => rules.cut !== "time" || record.timestamp > line;

  const writes = [
    ...foldLog(log, cuts, { scenario, steps: scenario.steps, finish: true, speedTakes, rules }),
    ...foldLog(log, cuts, { scenario, steps: scenario.zombie, finish: false, speedTakes, rules }),
  ];
  const stored = store(interleave(writes, scenario.order), rules);
  return {
    all: [...below, ...beyond.flat()],
    parts: [below, ...beyond],
    documents: [...fold(below, scenario, BATCH_PART), ...stored],
  };
}

/** The documents of records, as they are stored. */
export function fold(
  records: readonly Entity[],
  options: { settings: ViewSettings; retained: RetainedFrom },
  part = BATCH_PART,
): ViewDocument[] {
  const state = new ViewState(options.settings, { retained: options.retained });
  for (const record of records) state.add(record);
  return [...state.documents(part)];
}

interface FoldOptions {
  readonly scenario: Scenario;
  readonly steps: readonly Step[];
  /** Goes on to the end of the log. */
  readonly finish: boolean;
  readonly speedTakes: (record: Entity) => boolean;
  readonly rules: LayerRules;
}

/** One owner's folds; the writes of each partition in their order. */
function foldLog(log: readonly Partition[], cuts: readonly number[], o: FoldOptions): Writes[] {
  return log.map((partition, i) => {
    const fold = new PartitionFold(partition, cuts[i]!, o);
    for (const step of o.steps) if (step.at % log.length === i) fold.step(step);
    if (o.finish) fold.finish();
    return fold.writes;
  });
}

/** The record as one whose names differ from those that differ in case. */
export function toTheLetter(record: Entity): Entity {
  const apart = (name: string) => name.replace(/[A-Z]/g, (letter) => `${letter}\u0301`);
  const user_id = apart(record.user_id);
  if (record.kind === "user" || record.subreddit === undefined) return { ...record, user_id };
  return { ...record, user_id, subreddit: apart(record.subreddit) };
}

class PartitionFold {
  readonly writes: Writes = [];
  #state: ViewState;
  #next: number;
  #last = new Map<string, ViewDocument>();

  constructor(
    readonly partition: Partition,
    readonly horizon: number,
    readonly options: FoldOptions,
  ) {
    this.#next = horizon;
    this.#state = this.#fresh();
  }

  #fresh(): ViewState {
    const { settings, retained } = this.options.scenario;
    return new ViewState(settings, { retained, track: true });
  }

  step({ back, take, flush, crash }: Step): void {
    if (crash) {
      this.#state = this.#fresh();
      this.#next = this.horizon;
      this.#last.clear();
    }
    const start = Math.max(0, this.#next - back);
    this.#deliver(start, start + take);
    if (flush) this.#flush();
  }

  finish(): void {
    this.#deliver(this.#next, Infinity);
    this.#flush();
  }

  #deliver(startOffset: number, to: number): void {
    const { topic, partition, records } = this.partition;
    const delivered: LogBatch = {
      topic,
      partition,
      startOffset,
      nextOffset: Math.min(to, records.length),
      records: records.slice(startOffset, to),
    };
    const batch = continueFrom(delivered, this.#next);
    if (batch === undefined) return;
    for (const record of batch.records) {
      const entity = admitted(topic, record);
      if (entity === undefined || !this.options.speedTakes(entity)) continue;
      this.#state.add(this.#taken(entity));
    }
    this.#next = batch.nextOffset;
  }

  /** The record as the rules have it. */
  #taken(entity: Entity): Entity {
    const { retrieval, names } = this.options.rules;
    if (names === "letter") return toTheLetter(entity);
    if (retrieval === undefined) return entity;
    const { retrieved_utc: _, ...forgotten } = entity;
    return forgotten;
  }

  #flush(): void {
    const written = new Map<string, Write>();
    const part = partitionName(this.partition.topic, this.partition.partition);
    for (const document of this.#state.takeChanged(part)) {
      const id = documentId(document);
      const body = this.options.rules.writes === "increments"
        ? increment(document, this.#last.get(id))
        : document;
      this.#last.set(id, document);
      written.set(id, { version: this.#next, body });
    }
    this.writes.push(written);
  }
}

function increment(document: ViewDocument, last: ViewDocument | undefined): ViewDocument {
  if (!("posts" in document) || last === undefined || !("posts" in last)) return document;
  return {
    ...document,
    posts: document.posts - last.posts,
    comments: document.comments - last.comments,
  };
}

/** All writes in one order, in which each writer's stay in theirs. */
function interleave(writers: readonly Writes[], order: readonly number[]): Writes {
  const queues = writers.map((writes) => [...writes]);
  const merged: Writes = [];
  for (let turn = 0; queues.some((queue) => queue.length > 0); turn++) {
    const open = queues.filter((queue) => queue.length > 0);
    merged.push(open[order[turn % order.length]! % open.length]!.shift()!);
  }
  return merged;
}

function store(writes: Writes, rules: LayerRules): ViewDocument[] {
  const stored = new Map<string, Write>();
  for (const [id, write] of writes.flatMap((batch) => [...batch])) {
    const known = stored.get(id);
    if (known === undefined || rules.versions === "arrival") {
      stored.set(id, write);
    } else if (rules.writes === "increments") {
      stored.set(id, { ...write, body: added(known.body, write.body) });
    } else if (known.version < write.version) {
      stored.set(id, write);
    } else if (known.version === write.version) {
      // Whoever writes a version writes the same: why a second owner does no harm.
      assertEquals(canonicalJson(known.body), canonicalJson(write.body));
    }
  }
  return [...stored.values()].map((write) => write.body);
}

function added(known: ViewDocument, more: ViewDocument): ViewDocument {
  if (!("posts" in known) || !("posts" in more)) return more;
  return { ...more, posts: known.posts + more.posts, comments: known.comments + more.comments };
}
