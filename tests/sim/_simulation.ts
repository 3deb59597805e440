/**
 * One life of the whole pipeline under everything that can go wrong, from one seed:
 * a time of chaos, then rest, and then the invariants.
 *
 * @module
 */

import { type Ports, SimulatedCrash } from "@pipeline/adapters/testing";
import {
  DEFAULT_MAX_FUTURE,
  type ErrorCode,
  hasCode,
  PipelineError,
  TOPICS,
  type WindowName,
} from "@pipeline/core";
import { type BatchSettings, rollBack, runBatch, verify } from "@pipeline/batch";
import { bootstrap, Ingest, sweep } from "@pipeline/ingest";
import { CommitLog, type LiveParts, readManifests } from "@pipeline/protocol";
import { Speed } from "@pipeline/speed";
import { datasetProblems, leftovers, servedProblems } from "./_invariants.ts";
import { Process } from "./_process.ts";
import { Random } from "./_random.ts";
import { type Answering, type AnswerReport, type Arriving, Reader } from "./_reader.ts";
import type { Fate, Turn } from "./_scheduler.ts";
import { seeded, World, type WorldOptions } from "./_world.ts";

/** How a simulation differs from the usual one. */
export interface SimulationOptions {
  /** Puts something between each process and the ports: how rules are broken on purpose. */
  readonly between?: (ports: Ports, world: World) => Ports;
  /** Puts something in the place of the ports, for everybody. */
  readonly instead?: NonNullable<WorldOptions["instead"]>;
  /** Errors that end a job besides those that always may. */
  readonly allow?: readonly ErrorCode[];
  /** How processes of speed answer. */
  readonly answering?: Answering;
  /** What serving takes the answers of a round for. */
  readonly arriving?: Arriving;
  /** Told every step. */
  readonly trace?: (line: string) => void;
  /** Virtual milliseconds of chaos. */
  readonly chaos?: number;
}

/** What a simulation met. */
export interface SimulationReport extends AnswerReport {
  readonly seed: number;
  turns: number;
  records: number;
  crashes: number;
  /** Calls that failed, before their effect or after it. */
  errors: number;
  generations: number;
  /** Batch runs and rollbacks that did not finish. */
  failedRuns: number;
  /** Checks while everything went on. */
  checks: number;
  /** Parts in memory that they compared. */
  partsChecked: number;
}

/** What was found to be wrong; the message says how to see it again. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** Jobs of which one or more always run. */
type Kind = "ingest" | "speed" | "standby" | "serving";

const KINDS: readonly Kind[] = ["ingest", "speed", "standby", "serving"];

/** Codes with which a run of a job may end; its supervisor starts another one. */
const MAY_END: Readonly<Record<string, readonly ErrorCode[]>> = {
  ingest: ["stopped", "conflict", "unavailable"],
  speed: ["stopped", "not_found", "unavailable"],
  standby: ["stopped", "not_found", "unavailable"],
  serving: ["stopped"],
  batch: ["stopped", "conflict", "unavailable", "not_found"],
  bootstrap: ["stopped", "not_found", "unavailable"],
  sweep: ["stopped", "unavailable"],
};

/** Runs one seed to its end. Rejects with {@linkcode InvariantError} where something is wrong. */
export async function simulate(
  seed: number,
  options: SimulationOptions = {},
): Promise<SimulationReport> {
  const random = new Random(seed);
  const simulation = new Simulation(seed, random, options);
  if (options.trace !== undefined) simulation.world.scheduler.trace = options.trace;
  return await seeded(random, () => simulation.run()).catch((cause) => {
    const trail = simulation.world.scheduler.trail.slice(-40).join("\n    ");
    const hint = `SIM_SEEDS=${seed} scripts/test tests/sim/simulation_test.ts`;
    const why = cause instanceof InvariantError ? cause.message : cause?.stack ?? cause;
    throw new InvariantError(
      `Seed ${seed} fails: ${why}\n  Last steps:\n    ${trail}\n  Again: ${hint}`,
      { cause },
    );
  });
}

class Simulation {
  readonly world: World;
  readonly report: SimulationReport;
  readonly #random: Random;
  readonly #o: SimulationOptions;
  readonly #processes = new Set<Process>();
  readonly #wanted: Record<Kind, number> = { ingest: 1, speed: 1, standby: 0, serving: 1 };
  readonly #speeds = new Map<Process, Speed>();
  readonly #outages = new Map<string, number>();
  readonly #delayed = new WeakSet<Turn>();
  readonly #crashRate: number;
  readonly #errorRate: number;
  readonly #split: number;
  readonly #chunk: number;
  readonly #maxRecords: number;
  #chaos = true;
  #truncated = false;
  #loads = 0;

  constructor(seed: number, random: Random, options: SimulationOptions) {
    this.#random = random;
    this.#o = options;
    this.world = new World(seed, {
      partitions: random.pick([1, 2, 3]),
      abrupt: random.chance(0.5),
      unknown: random.chance(0.7),
      ...(options.instead === undefined ? {} : { instead: options.instead }),
    });
    this.#crashRate = random.pick([0, 0.001, 0.004, 0.01]);
    this.#errorRate = random.pick([0, 0.005, 0.02]);
    this.#split = random.pick([0, 0.3]);
    this.#chunk = random.pick([1, 7, 1_000]);
    this.#maxRecords = random.pick([3, 20, 1_000]);
    this.world.redelivery = random.pick([0, 0.05, 0.2]);
    this.report = {
      seed,
      turns: 0,
      records: 0,
      crashes: 0,
      errors: 0,
      generations: 0,
      failedRuns: 0,
      checks: 0,
      partsChecked: 0,
      exactAnswers: 0,
      boundAnswers: 0,
      refusedAnswers: 0,
      partsFromMemory: 0,
      partsFromStore: 0,
    };
  }

  async run(): Promise<SimulationReport> {
    const { world, report } = this;
    const { scheduler } = world;
    scheduler.fate = (turn) => this.#fate(turn);
    await world.produce(this.#random.between(1, 40));
    if (this.#random.chance(0.5)) this.#wanted.standby = 1;
    for (const kind of KINDS) this.#keepUp(kind);
    const end = scheduler.elapsed + (this.#o.chaos ?? 10_000);
    this.#act(end);
    await scheduler.run(() => scheduler.elapsed >= end);

    this.#calm();
    await scheduler.run(() => !this.#oneOffs());
    for (const load of world.history.keys()) {
      await this.#finish("bootstrap", (process) => bootstrap(process.ports.dataset, load));
    }
    await this.#drain();
    this.#expect("after the chaos", await datasetProblems(world));
    if (await world.ports.store.current() !== undefined) {
      this.#expect("after the chaos", await servedProblems(world));
    }
    await this.#runBatch();
    await this.#drain();
    this.#expect("after another generation", await servedProblems(world));
    await this.#finish("serving", (process) => this.#askAll(process));
    const { generation } = await this.#runBatch();
    await this.#finish("sweep", (process) => this.#sweep(process, -3 * 3_600_000));
    this.#expect("after a generation and a sweep", await leftovers(world));
    await this.#finish(
      "batch",
      (process) =>
        rollBack(generation - 1, { ...process, ...process.ports, settings: this.#settings() }),
    );
    await world.produce(20);
    await this.#drain();
    this.#expect("after a rollback", await servedProblems(world));
    this.#expect("after a rollback", await datasetProblems(world));
    report.turns = scheduler.turns;
    report.records = world.produced;
    report.generations = generation;
    return report;
  }

  #expect(when: string, problems: readonly string[]): void {
    if (problems.length === 0) return;
    const first = problems.slice(0, 8).join("\n  ");
    throw new InvariantError(`${problems.length} problems ${when}:\n  ${first}`);
  }

  // --- Chaos -----------------------------------------------------------------

  #act(end: number): void {
    const { scheduler } = this.world;
    const next = () => {
      if (scheduler.elapsed >= end) return;
      try {
        const done = this.#action();
        done?.catch((error) => scheduler.fail(error));
      } catch (error) {
        scheduler.fail(error);
      }
      scheduler.after(this.#random.int(600), next);
    };
    scheduler.after(this.#random.int(300), next);
  }

  #action(): Promise<unknown> | undefined {
    const random = this.#random;
    const { world } = this;
    const choice = random.next();
    if (choice < 0.4) return world.produce(random.pick([1, 5, 20, 80]));
    if (choice < 0.52) return void this.#batch();
    if (choice < 0.56) return this.#rollBack();
    if (choice < 0.61) return void this.#pauseOne();
    if (choice < 0.66) return void this.#killOne();
    if (choice < 0.7) return void this.#another(random.pick(["ingest", "speed"]));
    if (choice < 0.75) return void this.#outage();
    if (choice < 0.79) return void this.#sweepNow();
    if (choice < 0.83) return this.#load();
    if (choice < 0.86) return void (world.scheduler.skew = random.pick([-1, 0, 1]) * 3_600_000);
    if (choice < 0.89) return this.#truncate();
    if (choice < 0.92) {
      return void world.ports.log.gap(
        random.pick(TOPICS),
        random.int(world.partitions),
        random.between(1, 3),
      );
    }
    if (choice < 0.97) return this.#check();
    return world.produce(200);
  }

  #fate(turn: Turn): Fate {
    if (!this.#chaos) return undefined;
    const random = this.#random;
    if (random.chance(this.#crashRate)) {
      this.report.crashes++;
      return new SimulatedCrash();
    }
    const port = turn.step.slice(0, turn.step.indexOf("."));
    if (!this.#delayed.has(turn) && random.chance(0.02)) {
      this.#delayed.add(turn);
      return random.pick([5, 50, 500]);
    }
    // These are the process's own: they have no answer that could be lost on its way.
    if (/^log\.(deliver|closeProducer)/.test(turn.step)) return undefined;
    if (turn.step.startsWith("log.subscribe") && turn.phase === "after") return undefined;
    const out = this.#outages.get(port) ?? 0;
    if (random.chance(this.#errorRate) || (out > 0 && random.chance(0.8))) {
      this.report.errors++;
      return new PipelineError("unavailable", `${turn.step} did not answer`);
    }
    return undefined;
  }

  #outage(): void {
    const { scheduler } = this.world;
    const port = this.#random.pick(["log", "dataset", "store"]);
    this.#outages.set(port, (this.#outages.get(port) ?? 0) + 1);
    scheduler.after(this.#random.int(1_500), () => {
      this.#outages.set(port, this.#outages.get(port)! - 1);
    });
  }

  #running(kind?: string): Process[] {
    return [...this.#processes].filter((p) => kind === undefined || p.kind === kind);
  }

  #pauseOne(): void {
    const running = this.#running().filter((process) => !process.paused);
    if (running.length === 0) return;
    const process = this.#random.pick(running);
    process.paused = true;
    this.world.scheduler.after(this.#random.pick([100, 2_000, 8_000]), () => {
      process.paused = false;
    });
  }

  #killOne(): void {
    const running = this.#running();
    if (running.length === 0) return;
    this.report.crashes++;
    this.#random.pick(running).kill();
  }

  /** A second instance of a job for a while: the first one goes on. */
  #another(kind: Kind): void {
    if (this.#wanted[kind] > 1) return;
    this.#wanted[kind]++;
    this.#keepUp(kind);
    this.world.scheduler.after(this.#random.int(5_000), () => this.#wanted[kind] = 1);
  }

  async #truncate(): Promise<void> {
    const { log, store, dataset } = this.world.ports;
    if (await store.current() === undefined) return;
    const kept = (await readManifests(store)).map((m) => m.manifest)
      .filter((m) => m.state !== "building" && m.state !== "failed");
    for (const topic of TOPICS) {
      for (const { partition, earliest } of await log.ranges(topic)) {
        const committed = await new CommitLog(dataset).last(topic, partition);
        const limits = kept.map((m) => m.horizon[topic][partition]!);
        const limit = Math.min(committed?.end ?? 0, ...limits);
        if (limit > earliest) log.truncate(topic, partition, limit);
      }
    }
    this.#truncated = true;
  }

  /** What speed wrote and answers is right at any moment, and so is what batch wrote. */
  async #check(): Promise<void> {
    if (await this.world.ports.store.current() === undefined) return;
    this.report.checks++;
    const { exact, first, memory } = await verify({ ...this.world.ports, parts: this.#parts() });
    this.report.partsChecked += memory.parts;
    const problems = exact ? [] : first.map((difference) => JSON.stringify(difference));
    this.#expect("while everything went on", problems);
  }

  /** The folds of all processes, paused ones included. */
  #parts(): LiveParts {
    return {
      ask: (request) =>
        Promise.resolve([...this.#speeds].flatMap(([process, speed]) => {
          if (process.dead) return [];
          try {
            return speed.answer(request);
          } catch (error) {
            if (error instanceof PipelineError) return [];
            throw error;
          }
        })),
    };
  }

  #sweepNow(): void {
    const age = this.#random.pick([10_000, 60_000]);
    this.#start("sweep", (process) => this.#sweep(process, age));
  }

  #sweep(process: Process, age: number): Promise<number> {
    return sweep(process.ports.dataset, { now: process.clock.now(), age });
  }

  async #load(): Promise<void> {
    if (this.#loads > 0 && this.#random.chance(0.6)) {
      // Again, or for the first time after a crash.
      const load = `load-${this.#random.between(1, this.#loads)}`;
      return void this.#start(
        "bootstrap",
        (process) => bootstrap(process.ports.dataset, load),
      );
    }
    const load = `load-${++this.#loads}`;
    const facts = Array.from(
      { length: this.#random.between(1, 30) },
      () => this.world.community.fact(),
    );
    await this.world.stage(load, facts);
    this.#start("bootstrap", (process) => bootstrap(process.ports.dataset, load));
  }

  #batch(): void {
    if (this.#running("batch").length > 1) return;
    const full = this.#random.chance(0.2);
    this.#start(
      "batch",
      (process) => runBatch({ ...process, ...process.ports, settings: this.#settings(), full }),
    );
  }

  async #rollBack(): Promise<void> {
    const { store } = this.world.ports;
    const current = await store.current();
    const others = (await store.generations()).filter((g) => g < (current ?? 0));
    if (others.length === 0 || this.#running("batch").length > 1) return;
    this.#start(
      "batch",
      (process) =>
        rollBack(others.at(-1)!, { ...process, ...process.ports, settings: this.#settings() }),
    );
  }

  #settings(): BatchSettings {
    const random = this.#random;
    const HOUR = 3_600_000;
    const windows = random.pick<WindowName[]>([["1d"], ["1d"], ["1d"], ["1h", "1d"]]);
    return {
      views: { userWindows: windows, maxFuture: DEFAULT_MAX_FUTURE },
      partitions: this.world.partitions,
      keep: random.pick([2, 5, 1_000]),
      retention: random.pick([
        { minutes: 0, hours: 0, days: 0 },
        { minutes: 0, hours: 0, days: 0 },
        { minutes: 6 * HOUR, hours: 24 * HOUR, days: 72 * HOUR },
      ]),
      catchUpTimeout: 10_000,
      pollInterval: 50,
      lockLease: 3_000,
    };
  }

  // --- Jobs ------------------------------------------------------------------

  #spawn(kind: string): Process {
    const random = this.#random;
    const { world } = this;
    const service = kind !== "serving" && isKept(kind);
    const ports = this.#o.between?.(world.ports, world) ?? world.ports;
    const process = new Process(kind, ports, world.scheduler, {
      chunk: this.#chunk,
      maxRecords: this.#maxRecords,
      alone: this.#chaos && service && random.chance(this.#split),
    });
    this.#processes.add(process);
    return process;
  }

  /** Keeps as many runs of a job going as are wanted. */
  #keepUp(kind: Kind): void {
    while (this.#running(kind).length < this.#wanted[kind]) {
      this.#start(
        kind,
        (process) => {
          if (kind === "ingest") return this.#ingest(process);
          return kind === "serving" ? this.#serve(process) : this.#speed(process);
        },
      );
    }
  }

  #start(kind: string, work: (run: Process) => Promise<unknown>): void {
    const { scheduler } = this.world;
    const process = this.#spawn(kind);
    let over = false;
    const end = (error?: unknown) => {
      if (over) return;
      over = true;
      this.#processes.delete(process);
      process.kill();
      this.#judge(kind, error);
      this.#speeds.delete(process);
      if (!isKept(kind)) return;
      scheduler.after(this.#chaos ? this.#random.int(1_000) : 0, () => this.#keepUp(kind));
    };
    process.onKill = end;
    work(process).then(() => end(), end);
  }

  #judge(kind: string, error: unknown): void {
    if (error === undefined) return;
    if (kind === "batch") this.report.failedRuns++;
    const allowed = [
      ...MAY_END[kind]!,
      ...this.#o.allow ?? [],
      ...this.#truncated ? ["offset_out_of_range" as const] : [],
    ];
    if (allowed.some((code) => hasCode(error, code))) return;
    this.world.scheduler.fail(error);
  }

  async #ingest(process: Process): Promise<void> {
    const random = this.#random;
    const job = await Ingest.start({
      ...process,
      ...process.ports,
      settings: {
        flush: {
          records: random.pick([5, 50, 500]),
          bytes: random.pick([2_000, 1_000_000]),
          age: random.pick([50, 500]),
        },
        maxFuture: DEFAULT_MAX_FUTURE,
      },
    });
    await job.done;
  }

  async #speed(process: Process): Promise<void> {
    const random = this.#random;
    const job = Speed.start({
      ...process,
      ...process.ports,
      standby: process.kind === "standby",
      settings: {
        flushInterval: random.pick([20, 200]),
        maxDocuments: random.pick([100, 100_000]),
        pollInterval: random.pick([30, 300]),
      },
    });
    this.#speeds.set(process, job);
    await job.done;
  }

  #reader(process: Process): Reader {
    const { world, report } = this;
    const { answering, arriving } = this.#o;
    return new Reader(process, {
      world,
      random: this.#random,
      speeds: this.#speeds,
      report,
      answering,
      arriving,
    });
  }

  /** Asks serving now and then, as long as it runs. */
  async #serve(process: Process): Promise<void> {
    const reader = this.#reader(process);
    for (;;) {
      await process.clock.sleep(this.#random.pick([20, 100, 800]));
      this.#expect("of an answer", await reader.get(reader.question()));
    }
  }

  /** Asks all kinds of questions at rest. */
  async #askAll(process: Process): Promise<void> {
    const reader = this.#reader(process);
    for (let i = 0; i < 8; i++) {
      const problems = await reader.get(reader.question(), { strict: true });
      this.#expect("of an answer at rest", problems);
    }
  }

  // --- Rest ------------------------------------------------------------------

  /** Ends the chaos: nothing fails any more, nobody is paused, and there is one of each. */
  #calm(): void {
    this.#chaos = false;
    this.world.redelivery = 0;
    // The latest that it ever showed, so that leases of the dead are over soon.
    this.world.scheduler.skew = 3_600_000;
    this.#wanted.ingest = this.#wanted.speed = 1;
    for (const kind of KINDS) {
      for (const process of this.#running(kind).slice(1)) process.kill();
    }
    for (const process of this.#running()) {
      process.paused = false;
      if (this.#random.chance(0.3)) process.kill();
    }
  }

  #oneOffs(): boolean {
    return this.#running().some(({ kind }) => !isKept(kind));
  }

  async #runBatch() {
    const settings = this.#settings();
    const { scheduler } = this.world;
    // A run that was killed holds its lock until the lease is over.
    const end = scheduler.elapsed + settings.lockLease;
    await scheduler.run(() => scheduler.elapsed > end);
    return await this.#finish(
      "batch",
      (process) => runBatch({ ...process, ...process.ports, settings }),
    );
  }

  /** Does something to its end, which must be a good one. */
  async #finish<T>(kind: string, work: (run: Process) => Promise<T>): Promise<T> {
    const process = this.#spawn(kind);
    let over = false;
    const result = work(process).finally(() => {
      over = true;
      this.#processes.delete(process);
    });
    result.catch(() => {});
    await this.world.scheduler.run(() => over);
    return await result;
  }

  /** Waits until all that was produced is committed and folded. */
  async #drain(): Promise<void> {
    let looks = 0;
    await this.world.scheduler.run(() => ++looks % 32 === 0 && this.world.isDrained())
      .catch(async (cause) => {
        const running = this.#running().map((process) => process.name).join(", ");
        const why = `${cause.message}: ${await this.world.behind()}; ${running} run`;
        throw new InvariantError(why, { cause });
      });
  }
}

function isKept(kind: string): kind is Kind {
  return (KINDS as readonly string[]).includes(kind);
}
