/**
 * Serving in a simulation: it asks the folds of speed's processes, which may be paused, killed or
 * late, and a store that is away now and then. Each answer is compared with the oracle's at the
 * vector that it names.
 *
 * @module
 */

import { SimulatedCrash } from "@pipeline/adapters/testing";
import {
  canonicalJson,
  partitionName,
  PipelineError,
  type ServingStore,
  TOPICS,
  VIEWS,
  type Watermark,
  type WindowName,
  WINDOWS,
} from "@pipeline/core";
import {
  type Folded,
  type LiveParts,
  type Manifest,
  type PartAnswer,
  type PartsRequest,
  readManifests,
} from "@pipeline/protocol";
import { type App, createApp, type Provenance } from "@pipeline/serving";
import type { Speed } from "@pipeline/speed";
import { SUBREDDITS, USERS } from "./_community.ts";
import { expectedAt, pathOf, type Question } from "./_expected.ts";
import type { Process } from "./_process.ts";
import type { Random } from "./_random.ts";
import type { World } from "./_world.ts";

/** How a process of speed answers; `turn` lets the others go on. */
export type Answering = (
  speed: Speed,
  request: PartsRequest,
  turn: () => Promise<void>,
) => readonly PartAnswer[] | Promise<readonly PartAnswer[]>;

/** What a reader takes the answers of a round for. */
export type Arriving = (answers: readonly PartAnswer[]) => readonly PartAnswer[];

/** What the answers of a simulation were. */
export interface AnswerReport {
  /** Answers that were compared with the oracle's. */
  exactAnswers: number;
  /** Answers with a lower bound of their vector: a pass of the copy was under way. */
  boundAnswers: number;
  /** Requests without an answer, since the store or the folds were away. */
  refusedAnswers: number;
  /** Parts of answers, by where they came from. */
  partsFromMemory: number;
  partsFromStore: number;
}

/** Dependencies of a reader. */
export interface ReaderOptions {
  readonly world: World;
  readonly random: Random;
  /** The running processes of speed. */
  readonly speeds: ReadonlyMap<Process, Speed>;
  readonly report: AnswerReport;
  /** In one turn by default. */
  readonly answering?: Answering | undefined;
  /** Changes what has arrived in a round; nothing by default. */
  readonly arriving?: Arriving | undefined;
}

/** Virtual milliseconds of a step after which serving goes on with what it knows. */
const PATIENCE = 200;

interface Body extends Record<string, unknown> {
  readonly provenance?: Provenance;
}

/** A process of serving. */
export class Reader implements LiveParts {
  readonly #process: Process;
  readonly #o: ReaderOptions;
  readonly #app: App;
  readonly #manifests = new Map<number, Manifest>();
  /** Watermarks that this process has read, by generation and part. */
  readonly #known = new Map<string, number>();
  /** Calls of the store that failed or took long. */
  #troubles = 0;

  constructor(process: Process, options: ReaderOptions) {
    this.#process = process;
    this.#o = options;
    const { clock } = process;
    this.#app = createApp({ store: this.#watched(process.impatient.store), parts: this, clock });
  }

  /** Asks one question. Returns what is wrong about the answer. */
  async get(question: Question, rules: { readonly strict?: boolean } = {}): Promise<string[]> {
    const before = new Map(this.#known);
    const troubles = this.#troubles;
    const path = pathOf(question);
    const response = await this.#app.fetch(new Request(`http://serving${path}`));
    const { status } = response;
    const body: Body = await response.json();
    const problems: string[] = [];
    if (status !== 200 && status !== 404) {
      this.#o.report.refusedAnswers++;
      await this.#remember();
      const allowed = status === 400 ? this.#isRetired(question) : !rules.strict;
      if (!allowed) problems.push(JSON.stringify(body));
    } else if (body.provenance === undefined) {
      problems.push(`an answer without provenance: ${JSON.stringify(body)}`);
    } else {
      if (troubles === this.#troubles) problems.push(...olderThan(before, body.provenance));
      if (rules.strict && body.provenance.missing.join() !== "log") {
        problems.push(`${body.provenance.missing} are missing`);
      }
      problems.push(...await this.#compare(question, status, body));
    }
    return problems.map((problem) => `${path}: ${problem}`);
  }

  /** A question as people ask it. */
  question(): Question {
    const { random, world } = this.#o;
    const window = random.pick<WindowName>(["1m", "1h", "1d"]);
    const now = world.scheduler.now();
    switch (random.int(5)) {
      case 0:
        return { type: "top", name: random.pick(SUBREDDITS), k: random.between(1, 6) };
      case 1: {
        const to = Math.ceil(now / 60_000 + random.int(3)) * 60_000;
        return { type: "activity", name: random.pick(SUBREDDITS), window, to };
      }
      case 2: {
        const to = Math.ceil(now / 86_400_000) * 86_400_000;
        return { type: "user", name: random.pick([...USERS, "nobody"]), window: "1d", to };
      }
      case 3: {
        const sort = random.pick(["posts", "comments", "active_users"] as const);
        return { type: "list", sort, window, at: now, limit: random.between(1, 5) };
      }
      default:
        return { type: "status" };
    }
  }

  /** See {@linkcode LiveParts.ask}: with what came in time. */
  async ask(request: PartsRequest): Promise<readonly PartAnswer[]> {
    await this.#remember();
    const { speeds, random } = this.#o;
    const arrived: PartAnswer[] = [];
    const asked = [...speeds].map(async ([process, speed]) => {
      arrived.push(...await this.#answer(process, speed, request));
    });
    const timer = new AbortController();
    const { clock } = this.#process;
    const late = clock.sleep(random.pick([150, 3_000]), timer.signal).catch(() => {});
    await Promise.race([Promise.all(asked), late]);
    timer.abort();
    return this.#o.arriving?.(arrived) ?? [...arrived];
  }

  async #answer(process: Process, speed: Speed, request: PartsRequest): Promise<PartAnswer[]> {
    const { scheduler } = this.#o.world;
    const { answering = (speed, request) => speed.answer(request) } = this.#o;
    const turn = async (step: string, phase: "before" | "after") => {
      await scheduler.turn(process, step, phase);
      if (process.dead) throw new PipelineError("stopped", "The process was killed");
    };
    try {
      await turn("parts.ask", "before");
      const answers = await answering(speed, request, () => turn("parts.wait", "before"));
      await turn("parts.ask", "after");
      return [...answers];
    } catch (error) {
      if (error instanceof SimulatedCrash) process.kill();
      else if (!(error instanceof PipelineError)) throw error;
      return [];
    }
  }

  /** Whether a generation does not keep the windows of a question any more. */
  #isRetired(question: Question): boolean {
    if (!("window" in question)) return false;
    const { window } = question;
    const time = question.type === "list" ? question.at : question.to;
    const start = time - time % WINDOWS[window];
    return [...this.#manifests.values()].some((m) => start < m.retained_from[window]);
  }

  /** A generation may be dropped while it is read. */
  async #remember(): Promise<void> {
    for (const { manifest } of await readManifests(this.#o.world.ports.store)) {
      if (manifest.state !== "building") this.#manifests.set(manifest.generation, manifest);
    }
  }

  async #compare(question: Question, status: number, body: Body): Promise<string[]> {
    const { world, report } = this.#o;
    const { generation, folded, sources, missing } = body.provenance!;
    const manifest = this.#manifests.get(generation);
    if (manifest === undefined) return [`generation ${generation} was never there`];
    const nowhere = TOPICS.flatMap((topic) =>
      sources[topic].flatMap((source, p) => source === null ? [partitionName(topic, p)] : [])
    );
    const all = TOPICS.length * world.partitions;
    const named = nowhere.length === all ? ["speed"] : nowhere;
    const told = missing.filter((name) => name !== "log" && name !== "store");
    if (canonicalJson(told) !== canonicalJson(named)) {
      return [`missing are ${told}, parts without a source are ${named}`];
    }
    const flat = TOPICS.flatMap((topic) => sources[topic]);
    report.partsFromMemory += flat.filter((source) => source === "memory").length;
    report.partsFromStore += flat.filter((source) => source === "store").length;
    if (missing.includes("store") || await this.#isBound(body.provenance!)) {
      report.boundAnswers++;
      return [];
    }
    const expected = expectedAt(question, world, { manifest, folded });
    report.exactAnswers++;
    if (status !== expected.status) {
      return [`the answer is ${status}, the oracle says ${expected.status} at the vector`];
    }
    if (status === 404) return [];
    const found = canonicalJson(shown(question, body));
    const right = canonicalJson(shown(question, { ...body, ...expected.body }));
    if (found === right) return [];
    const vector = JSON.stringify({ folded, sources });
    return [`the answer is not that of its vector ${vector}: it is ${found}, not ${right}`];
  }

  /** Whether the store may have answered for a part with later records than the vector names. */
  async #isBound({ generation, folded, sources }: Provenance): Promise<boolean> {
    const { store } = this.#o.world.ports;
    for (const topic of TOPICS) {
      for (const [partition, source] of sources[topic].entries()) {
        if (source !== "store") continue;
        const parts = [partitionName(topic, partition)];
        if (!(await store.generations()).includes(generation)) return true;
        for (const view of VIEWS) {
          const query = { parts, order: "id", limit: 10_000 } as const;
          const { documents } = await store.search(generation, view, query);
          const next = folded[topic][partition]!;
          if (documents.some(({ version }) => version > next)) return true;
        }
      }
    }
    return false;
  }

  /** The store, with a look at what is read of it. */
  #watched(store: ServingStore): ServingStore {
    const { clock } = this.#process;
    return new Proxy(store, {
      get: (target, name: keyof ServingStore) => async (...args: unknown[]) => {
        const began = clock.monotonic();
        try {
          const result = await (target[name] as (...args: unknown[]) => Promise<unknown>)(...args);
          if (clock.monotonic() - began > PATIENCE) this.#troubles++;
          else if (name === "watermarks") this.#know(Number(args[0]), result);
          return result;
        } catch (error) {
          this.#troubles++;
          throw error;
        }
      },
    });
  }

  #know(generation: number, result: unknown): void {
    for (const { part, body } of (result ?? []) as readonly Watermark[]) {
      const name = `${generation} ${part}`;
      const { next_offset } = body as Folded;
      this.#known.set(name, Math.max(this.#known.get(name) ?? -1, next_offset));
    }
  }
}

/** Parts of an answer that are behind watermarks that were known before it. */
function olderThan(
  known: ReadonlyMap<string, number>,
  { generation, folded }: Provenance,
): string[] {
  return TOPICS.flatMap((topic) =>
    folded[topic].flatMap((offset, partition) => {
      const part = partitionName(topic, partition);
      const least = known.get(`${generation} ${part}`) ?? -1;
      if ((offset ?? -1) >= least) return [];
      return [`${part} is at ${offset}, older than the store, which is at ${least}`];
    })
  );
}

/** The comparable fields of an answer, or of what is expected. */
function shown(question: Question, body: Record<string, unknown>): unknown {
  const { provenance: _, ranked, ...rest } = body;
  switch (question.type) {
    case "status": {
      const { layers, records, dead_letters } = rest as {
        readonly layers: { readonly speed: { records: number; dead_letters: number } };
        readonly records?: number;
        readonly dead_letters?: number;
      };
      const { speed } = layers;
      return [records ?? speed.records, dead_letters ?? speed.dead_letters];
    }
    case "top": {
      const { exact, items, subreddit } = rest as
        & { exact: boolean; items: unknown[] }
        & typeof rest;
      // Of a list that batch has cut, only the proved part is comparable.
      const best = ranked === undefined ? items : (ranked as unknown[]).slice(0, question.k);
      return exact ? [subreddit, best] : [subreddit];
    }
    default:
      return rest;
  }
}
