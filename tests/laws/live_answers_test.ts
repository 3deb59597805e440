/**
 * Answers that come from instances of speed, whichever answer, when and how often: each equals the
 * fold of the log below the vector that it names, and none is older than the watermark of the store.
 */

import { assert, assertEquals } from "@std/assert";
import { BATCH_PART, partitionName, type ServingStore, TOPICS, VIEWS } from "@pipeline/core";
import {
  type LiveParts,
  newestParts,
  type PartAnswer,
  type PartsRequest,
} from "@pipeline/protocol";
import { TestClock } from "@pipeline/runtime";
import { type App, createApp, type Provenance } from "@pipeline/serving";
import { MemoryStore } from "@pipeline/adapters/testing";
import fc from "fast-check";
import { endsOf, freshStore, newestVersion, offsetsByPart, overlay } from "./_fresh.ts";
import { anyBeginning, anyEvent, History } from "./_histories.ts";
import type { Instance } from "./_instances.ts";
import { anyValues, APPENDED } from "./_logs.ts";
import { assertBrokenAsync } from "./_property.ts";

const SUBREDDITS = ["a", "A", "b", "constructor", "unknown"];
const USERS = ["u", "V", "%C3%A9", "__proto__", "nobody"];

const question = fc.oneof(
  fc.tuple(fc.constantFrom(...SUBREDDITS), fc.integer({ min: 1, max: 4 }))
    .map(([name, k]) => `/v1/subreddits/${name}/top?k=${k}`),
  fc.tuple(fc.constantFrom(...SUBREDDITS), fc.constantFrom("1m", "1h", "1d"))
    .map(([name, window]) => `/v1/subreddits/${name}/activity?window=${window}`),
  fc.tuple(
    fc.constantFrom("posts", "comments", "active_users", "trending"),
    fc.constantFrom("1h", "1d"),
    fc.constantFrom("", "&at=2026-01-31T23:59:00Z"),
  ).map(([sort, window, at]) => `/v1/subreddits?sort=${sort}&window=${window}&limit=2${at}`),
  fc.constantFrom(...USERS).map((name) => `/v1/users/${name}/activity`),
  fc.constant("/v1/status"),
);

/** How instances answer one question. */
const anyAsking = fc.record({
  question,
  /** When the n-th instance answers; the last one counts for those beyond. */
  when: fc.array(fc.constantFrom("never", "at once", "late"), { minLength: 1, maxLength: 4 }),
  /** Whether answers come twice, and such as were given before. */
  repeated: fc.boolean(),
  /** Records that arrive while the instances are asked. */
  arriving: anyValues,
  /** Milliseconds of the instances while the store's watermarks are read. */
  during: fc.constantFrom(0, 300, 2_500),
  /** Milliseconds of serving's process since the question before. */
  since: fc.constantFrom(0, 600, 1_001),
});

type Asking = typeof anyAsking extends fc.Arbitrary<infer A> ? A : never;

const anyHistory = fc.record({
  beginning: anyBeginning,
  steps: fc.array(
    fc.record({
      event: anyEvent,
      ms: fc.constantFrom(0, 30, 1_000, 3_000),
      asking: anyAsking,
    }),
    { minLength: 6, maxLength: 12, size: "max" },
  ),
});

type Drawn = typeof anyHistory extends fc.Arbitrary<infer D> ? D : never;

/** What breaks the sources of a reader on purpose. */
interface Tamper {
  /** Changes what arrives. */
  readonly answers?: (answers: readonly PartAnswer[]) => readonly PartAnswer[];
  /** How an instance that is late answers, and what happens meanwhile. */
  readonly late?: LateAnswer;
  /** How the store answers a reader. */
  readonly store?: (history: History, pass: () => Promise<void>) => ServingStore;
}

type LateAnswer = (
  instance: Instance,
  request: PartsRequest,
  meanwhile: () => Promise<void>,
) => Promise<PartAnswer[]>;

/** Position and documents in one turn, after whatever came first. */
const inOneTurn: LateAnswer = async (instance, request, meanwhile) => {
  await meanwhile();
  return instance.answer(request);
};

/** The store to which instances may write after a watermark was read, before the documents are. */
const withPasses: NonNullable<Tamper["store"]> = ({ store }, pass) =>
  but(store, {
    async watermarks(generation) {
      const found = await store.watermarks(generation);
      await pass();
      return found;
    },
  });

/** A store with some other methods. */
function but(store: ServingStore, methods: Partial<ServingStore>): ServingStore {
  return new Proxy(store, {
    get(target, name: keyof ServingStore) {
      const value = methods[name] ?? target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Serving on a history, and what it was answered. */
class Reader implements LiveParts {
  readonly clock = new TestClock(APPENDED);
  readonly #app: App;
  readonly #history: History;
  readonly #tamper: Tamper;
  /** Answers of earlier questions, by their request. */
  readonly #before = new Map<string, PartAnswer[]>();
  #asking: Asking | undefined;
  #arriving: Promise<void> | undefined;
  /** The answers of each round of the last question, as they were given. */
  rounds: PartAnswer[][] = [];
  /** Answers of instances that stood still, to the last question. */
  zombies = 0;
  /** The end of the log, as serving last read it. */
  ends: Promise<Awaited<ReturnType<typeof endsOf>>>;

  constructor(history: History, tamper: Tamper) {
    this.#history = history;
    this.#tamper = tamper;
    this.ends = endsOf(history.log);
    const { clock } = this;
    const { store: storeOf = withPasses } = tamper;
    const store = storeOf(history, () => history.pass(this.#asking!.during));
    const ends = () => this.ends = endsOf(history.log);
    this.#app = createApp({ store, parts: this, ends, clock });
  }

  async get(asking: Asking): Promise<{ readonly status: number; readonly body: Body }> {
    this.#asking = asking;
    this.#arriving = undefined;
    this.rounds = [];
    this.zombies = 0;
    const response = await this.#app.fetch(new Request(`http://serving${asking.question}`));
    return { status: response.status, body: await response.json() };
  }

  async ask(request: PartsRequest): Promise<readonly PartAnswer[]> {
    const { when, repeated } = this.#asking!;
    const { instances } = this.#history;
    const who = (wanted: string) =>
      instances.filter((_, i) => when[Math.min(i, when.length - 1)] === wanted);
    const late = who("late");
    this.zombies += [...who("at once"), ...late].filter(({ frozen }) => frozen).length;
    const answers = who("at once").flatMap((instance) => instance.answer(request));
    const { late: answerLate = inOneTurn } = this.#tamper;
    const waited = await Promise.all(
      late.map((instance) => answerLate(instance, request, () => this.#meanwhile())),
    );
    if (late.length === 0) await this.#meanwhile();
    const name = JSON.stringify(request);
    answers.push(...waited.flat());
    const all = repeated ? [...answers, ...this.#before.get(name) ?? [], ...answers] : answers;
    this.#before.set(name, answers);
    this.rounds.push(all);
    return this.#tamper.answers?.(all) ?? all;
  }

  /** Once a question, records arrive. */
  #meanwhile(): Promise<void> {
    return this.#arriving ??= this.#history.append(this.#asking!.arriving);
  }
}

interface Body extends Record<string, unknown> {
  readonly provenance?: Provenance;
}

/** Serving on a store that is another one for each question. */
class Oracle {
  readonly #clock = new TestClock(APPENDED);
  readonly #app: App;
  #store: ServingStore = new MemoryStore();
  #ends: Reader["ends"] | undefined;

  constructor() {
    const store = new Proxy({} as ServingStore, {
      get: (_, name: keyof ServingStore) => {
        const value = this.#store[name];
        return typeof value === "function" ? value.bind(this.#store) : value;
      },
    });
    this.#app = createApp({
      store,
      ends: () => this.#ends!,
      clock: this.#clock,
      limits: { cacheBytes: 0 },
    });
  }

  async get(
    question: string,
    { store, ends }: { readonly store: ServingStore; readonly ends: Reader["ends"] },
  ): Promise<{ readonly status: number; readonly body: Body }> {
    this.#store = store;
    this.#ends = ends;
    // Beyond the age of whatever it holds of the store before.
    await this.#clock.advance(60_000);
    const response = await this.#app.fetch(new Request(`http://serving${question}`));
    return { status: response.status, body: await response.json() };
  }
}

/** An answer without what is not a function of its vector. */
function withoutOrigin({ status, body }: { readonly status: number; readonly body: Body }) {
  const { provenance, documents: _, state: __, ...rest } = body;
  if (provenance === undefined) return { status, rest };
  const { sources: ___, ...told } = provenance;
  return { status, rest, told };
}

/** What the runs of a property have met. */
interface Met {
  memory: number;
  store: number;
  nobody: number;
  /** Parts that the store answered for although an instance did, since it had folded less. */
  overtaken: number;
  /** Parts that the store answered for while a pass wrote to it. */
  passes: number;
  /** Rounds with answers of one part at different positions. */
  apart: number;
  /** Answers of instances that stood still. */
  zombies: number;
}

const nothingMet = (): Met => ({
  memory: 0,
  store: 0,
  nobody: 0,
  overtaken: 0,
  passes: 0,
  apart: 0,
  zombies: 0,
});

async function holds(drawn: Drawn, tamper: Tamper = {}, met: Met = nothingMet()): Promise<void> {
  const history = await History.begin(drawn.beginning);
  const reader = new Reader(history, tamper);
  const oracle = new Oracle();
  /** The store's watermarks at each question, by serving's clock. */
  const seen: { readonly at: number; readonly watermarks: Watermarks }[] = [];
  for (const { event, ms, asking } of drawn.steps) {
    await history.happen(event);
    await history.pass(ms);
    await reader.clock.advance(asking.since);
    const at = reader.clock.monotonic();
    const watermarks = await history.watermarks();
    // Serving reads the watermarks again once they are a second old.
    const fresh = (seen.at(-1)?.at ?? -Infinity) <= at - 1_000;
    const floor = fresh ? watermarks : seen.findLast((one) => one.at <= at - 1_000)?.watermarks;
    seen.push({ at, watermarks });
    const found = await reader.get(asking);
    const { provenance } = found.body;
    assert(provenance !== undefined, `${found.status} without provenance: ${found.body.detail}`);
    const after = await history.watermarks();
    checkVector(provenance, { reader, watermarks, after, floor, met });
    const store = await storeBelow(provenance, history, met);
    const expected = await oracle.get(asking.question, { store, ends: reader.ends });
    assertEquals(withoutOrigin(found), withoutOrigin(expected), "not the fold below its vector");
    assert(found.body.exact !== false, "top posts that are not proved");
    met.apart += reader.rounds.filter(areApart).length;
    met.zombies += reader.zombies;
  }
}

function areApart(answers: readonly PartAnswer[]): boolean {
  const newest = newestParts(answers);
  return answers.some(({ topic, partition, next_offset }) =>
    newest.get(partitionName(topic, partition))!.next_offset > next_offset
  );
}

type Watermarks = Awaited<ReturnType<History["watermarks"]>>;

/** The vector names what was answered, and is not older than the store. */
function checkVector(
  { generation, folded, sources }: Provenance,
  { reader, watermarks, after, floor, met }: {
    readonly reader: Reader;
    /** Before the answer began. */
    readonly watermarks: Watermarks;
    readonly after: Watermarks;
    readonly floor: Watermarks | undefined;
    readonly met: Met;
  },
): void {
  const rounds = reader.rounds.map((answers) => newestParts(answers));
  for (const topic of TOPICS) {
    for (const [partition, offset] of folded[topic].entries()) {
      const part = partitionName(topic, partition);
      const source = sources[topic][partition];
      const stored = watermarks.get(generation)?.get(part);
      const offered = rounds.map((answers) => answers.get(part)?.next_offset ?? -1);
      const shown = `${part} is at ${offset} from ${source}`;
      met[source ?? "nobody"]++;
      if (source === "store" && offered.some((other) => other >= 0)) met.overtaken++;
      const least = floor?.get(generation)?.get(part) ?? -1;
      assert((offset ?? -1) >= least, `older than the store: ${shown}, the watermark is ${least}`);
      assert((offset ?? -1) >= Math.min(...offered), `not the newest: ${shown}, not ${offered}`);
      if (source === "memory") assert(offered.includes(offset!), `nobody's: ${shown}`);
      if (source === "store") {
        const last = after.get(generation)!.get(part)!;
        assert(offset! >= (stored ?? -1) && offset! <= last, `no watermark: ${shown}, not ${last}`);
      }
      if (source === null) assertEquals([offset, stored], [null, undefined], `not told: ${shown}`);
    }
  }
}

/**
 * A store that holds what the vector names, and nothing later. Of a part that the store itself has
 * answered for while a pass writes to it, the vector is a lower bound: then it holds the documents
 * as they are.
 */
async function storeBelow(
  { generation, folded, sources }: Provenance,
  { log, store, manifests }: History,
  met: Met,
): Promise<ServingStore> {
  const fresh = await freshStore(log, manifests.get(generation)!, folded);
  for (const topic of TOPICS) {
    for (const [partition, source] of sources[topic].entries()) {
      if (source !== "store") continue;
      const part = partitionName(topic, partition);
      if (await newestVersion(store, generation, part) <= folded[topic][partition]!) continue;
      await overlay([store, fresh], generation, part);
      met.passes++;
    }
  }
  return fresh;
}

Deno.test("every answer of instances that come, go, stand still and answer late is the fold of the log below its vector, and not older than the store", async () => {
  const met = nothingMet();
  const property = fc.asyncProperty(anyHistory, (drawn) => holds(drawn, {}, met));
  // The seed is fixed, so that these histories have met everything.
  await fc.assert(property, { numRuns: 50, seed: 1 });
  assert(Math.min(...Object.values(met)) > 0, JSON.stringify(met));
});

/** Answers of one part, joined to one. */
function together(
  answers: readonly PartAnswer[],
  join: (all: readonly PartAnswer[]) => PartAnswer,
): PartAnswer[] {
  const parts = Map.groupBy(answers, ({ topic, partition }) => partitionName(topic, partition));
  return [...parts.values()].map(join);
}

/** The documents of all answers of one part, at the position of the newest. */
const added = (answers: readonly PartAnswer[]) =>
  together(answers, (all) => {
    const newest = all.reduce((a, b) => b.next_offset > a.next_offset ? b : a);
    const joined = newest.answers.map((_, i) => all.flatMap(({ answers }) => answers[i] as never));
    return { ...newest, answers: joined as PartAnswer["answers"] };
  });

/** Of the answers of one part, the one that has folded least. */
const least = (answers: readonly PartAnswer[]) =>
  together(answers, (all) => all.reduce((a, b) => b.next_offset < a.next_offset ? b : a));

/** Positions first, and documents after a turn of the event loop. */
const inTwoTurns: LateAnswer = async (instance, request, meanwhile) => {
  const positions = offsetsByPart(instance.answer({ ...request, questions: [] }));
  await meanwhile();
  return instance.answer(request).map((answer) => ({
    ...answer,
    next_offset: positions.get(partitionName(answer.topic, answer.partition)) ?? answer.next_offset,
  }));
};

/** Documents that were read before the watermark. */
const documentsFirst: NonNullable<Tamper["store"]> = ({ store }, pass) => {
  let early: ServingStore = store;
  return but(store, {
    async watermarks(generation) {
      early = await copyOf(store);
      await pass();
      return await store.watermarks(generation);
    },
    get: (generation, view, ids) =>
      (ids[0]?.startsWith(`${BATCH_PART}|`) ? store : early).get(generation, view, ids),
    search: (generation, view, query) =>
      (query.layer === "batch" ? store : early).search(generation, view, query),
  });
};

/** Reads no watermarks, as if nothing was stored. */
const withoutWatermarks: NonNullable<Tamper["store"]> = ({ store }) =>
  but(store, { watermarks: () => Promise.resolve([]) });

async function copyOf(store: ServingStore): Promise<MemoryStore> {
  const copy = new MemoryStore();
  for (const generation of await store.generations()) {
    await copy.createGeneration(generation);
    for (const view of VIEWS) {
      const { documents } = await store.search(generation, view, { order: "id", limit: 10_000 });
      await copy.write(generation, view, documents);
    }
  }
  return copy;
}

const BROKEN: readonly [what: string, tamper: Tamper, message: RegExp][] = [
  ["adds two answers of one part", { answers: added }, /not the fold below its vector/],
  ["takes the smaller offset", { answers: least }, /not the newest/],
  ["reads documents before the watermark", { store: documentsFirst }, /not the fold below/],
  ["reads no watermark", { store: withoutWatermarks }, /older than the store|not told/],
  ["waits between position and documents", { late: inTwoTurns }, /not the fold below its vector/],
];

for (const [what, tamper, message] of BROKEN) {
  Deno.test(`the property of answers fails for a reader that ${what}`, async () => {
    const broken = fc.asyncProperty(anyHistory, (drawn) => holds(drawn, tamper));
    await assertBrokenAsync(broken, { runs: 60, message });
  });
}
