/**
 * A world in which a test says itself what happens: nothing goes wrong but what it asks for.
 *
 * @module
 */

import { type Ports, SimulatedCrash } from "@pipeline/adapters/testing";
import { DEFAULT_MAX_FUTURE } from "@pipeline/core";
import { type BatchReport, type BatchSettings, rollBack, runBatch } from "@pipeline/batch";
import { Ingest, type IngestSettings, sweep } from "@pipeline/ingest";
import { Speed, type SpeedOptions } from "@pipeline/speed";
import { assertEquals } from "@std/assert";
import { datasetProblems, servedProblems } from "./_invariants.ts";
import { Process, type ProcessOptions } from "./_process.ts";
import type { Fate, Turn } from "./_scheduler.ts";
import { World, type WorldOptions } from "./_world.ts";

export const BATCH: BatchSettings = {
  views: { userWindows: ["1d"], maxFuture: DEFAULT_MAX_FUTURE },
  partitions: 1,
  keep: 1_000,
  retention: { minutes: 0, hours: 0, days: 0 },
  catchUpTimeout: 10_000,
  pollInterval: 50,
  lockLease: 3_000,
};

const INGEST: IngestSettings = {
  flush: { records: 1_000, bytes: 1_000_000, age: 50 },
  maxFuture: DEFAULT_MAX_FUTURE,
};

const SPEED = { flushInterval: 50, maxDocuments: 1_000_000, pollInterval: 50 };

/** How a process of a stage differs. */
export interface StageProcess extends ProcessOptions {
  /** Stands between the process and the shared ports. */
  readonly between?: (ports: Ports) => Ports;
}

/** One partition a topic, unless said otherwise. */
export class Stage {
  readonly world: World;
  /** What the next turn meets. */
  fate: (turn: Turn) => Fate = () => undefined;
  #services: Process[] = [];

  constructor(options: WorldOptions = {}) {
    this.world = new World(1, { partitions: 1, ...options });
    this.world.scheduler.fate = (turn) => this.fate(turn);
  }

  /** The ingest and the speed processes that were started. */
  services(): readonly Process[] {
    return this.#services;
  }

  process(kind: string, options: StageProcess = {}): Process {
    const ports = options.between?.(this.world.ports) ?? this.world.ports;
    return new Process(kind, ports, this.world.scheduler, options);
  }

  /** Gives turns and time until the work is over. */
  async do<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const end = () => void (over = true);
    work.then(end, end);
    await this.world.scheduler.run(() => over);
    return await work;
  }

  /** Lets so many virtual milliseconds pass. */
  async pass(ms: number): Promise<void> {
    const { scheduler } = this.world;
    const end = scheduler.elapsed + ms;
    scheduler.after(ms, () => {});
    await scheduler.run(() => scheduler.elapsed >= end);
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    await this.world.scheduler.run(condition);
  }

  async drain(): Promise<void> {
    await this.until(() => this.world.isDrained());
  }

  async ingest(
    settings: Partial<IngestSettings> = {},
    process = this.process("ingest"),
  ): Promise<{ process: Process; job: Ingest }> {
    this.#services.push(process);
    const wired = { ...process, ...process.ports, settings: { ...INGEST, ...settings } };
    return { process, job: await this.do(Ingest.start(wired)) };
  }

  speed(
    settings: Partial<SpeedOptions["settings"]> = {},
    process = this.process("speed"),
  ): { process: Process; job: Speed } {
    this.#services.push(process);
    const wired = { ...process, ...process.ports, settings: { ...SPEED, ...settings } };
    return { process, job: Speed.start(wired) };
  }

  batch(
    settings: Partial<BatchSettings> = {},
    process = this.process("batch"),
  ): Promise<BatchReport> {
    const { partitions } = this.world;
    return runBatch({
      ...process,
      ...process.ports,
      settings: { ...BATCH, partitions, ...settings },
    });
  }

  rollBack(generation: number, process = this.process("batch")): Promise<void> {
    const settings = { ...BATCH, partitions: this.world.partitions };
    return rollBack(generation, { ...process, ...process.ports, settings });
  }

  /** Removes what no writer can still want. */
  async sweep(): Promise<void> {
    const { dataset } = this.world.ports;
    await sweep(dataset, { now: this.world.scheduler.now(), age: -7_200_000 });
  }

  /** Kills the services that run, and starts others that nothing happens to. */
  async restart(): Promise<void> {
    this.fate = () => undefined;
    for (const process of this.#services.splice(0)) process.kill();
    await this.ingest();
    this.speed();
  }

  /** Asserts that all is where it must be, and is served as it must be. */
  async assertRight(): Promise<void> {
    await this.drain();
    assertEquals(await datasetProblems(this.world), []);
    if (await this.world.ports.store.current() === undefined) return;
    assertEquals(await servedProblems(this.world), []);
  }
}

/** Kills a process at its n-th turn. */
export function crashAt(victim: Process, n: number, died: () => void): (turn: Turn) => Fate {
  let left = n;
  return (turn) => {
    if (turn.owner !== victim || left-- !== 0) return undefined;
    died();
    return new SimulatedCrash();
  };
}

/** Acts once, at the first turn whose step and phase match. */
export function once(step: RegExp, phase: Turn["phase"], act: (turn: Turn) => Fate) {
  let done = false;
  return (turn: Turn): Fate => {
    if (done || turn.phase !== phase || !step.test(turn.step)) return undefined;
    done = true;
    return act(turn);
  };
}
