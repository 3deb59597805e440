/**
 * Who goes on next, and when: the order of all I/O steps and the passing of time are
 * chosen by a seed, so that every interleaving can occur and each can be replayed.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { PipelineError } from "@pipeline/core";
import type { Clock } from "@pipeline/runtime";
import type { Random } from "./_random.ts";

/** What takes turns: one run of a job. */
export interface Owner {
  readonly name: string;
  /** Gets no turn, and its sleeps do not end. */
  paused: boolean;
  /** Was killed. */
  dead: boolean;
}

/** One side of an I/O step that waits to go on. */
export interface Turn {
  readonly owner: Owner;
  readonly step: string;
  readonly phase: "before" | "after";
  /** Virtual time before which it does not go on. */
  due: number;
  readonly settle: PromiseWithResolvers<void>;
}

/** What a turn meets: an error, a wait in milliseconds, or nothing. */
export type Fate = Error | number | undefined;

interface Sleep {
  readonly owner: Owner | undefined;
  readonly due: number;
  readonly wake: () => void;
}

/** Time without steps after which a simulation must have come to rest, in milliseconds. */
const PATIENCE = 3_600_000;

/** Hands out turns and time. */
export class Scheduler {
  /** Virtual milliseconds since the start. */
  elapsed = 0;
  /** What the wall clock is off by. */
  skew = 0;
  /** Turns that were handed out. */
  turns = 0;
  /** Owners that there were so far. */
  owners = 0;
  /** Decides what the next turn meets. */
  fate: (turn: Turn) => Fate = () => undefined;
  /** Told each turn as it is handed out. */
  trace: (line: string) => void = () => {};
  /** The last turns, for the message of a failure. */
  readonly trail: string[] = [];
  #waiting: Turn[] = [];
  #sleeps: Sleep[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(readonly random: Random, readonly start: number) {}

  /** The wall clock. */
  now = (): number => this.start + this.elapsed + this.skew;

  /** Ends the simulation with an error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Waits for a turn; what the turn meets is thrown. */
  turn(owner: Owner, step: string, phase: "before" | "after"): Promise<void> {
    if (owner.dead) return Promise.resolve();
    const turn = { owner, step, phase, due: 0, settle: Promise.withResolvers<void>() };
    this.#waiting.push(turn);
    return turn.settle.promise;
  }

  /** Time as one owner sees it. */
  clock(owner: Owner): Clock {
    return {
      now: this.now,
      monotonic: () => this.elapsed,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const stop = () => {
            this.#sleeps = this.#sleeps.filter((other) => other !== sleep);
            reject(new PipelineError("stopped", "The work was stopped"));
          };
          const wake = () => {
            signal?.removeEventListener("abort", stop);
            resolve();
          };
          const sleep = { owner, due: this.elapsed + Math.max(0, ms), wake };
          if (signal?.aborted) return stop();
          this.#sleeps.push(sleep);
          signal?.addEventListener("abort", stop, { once: true });
        }),
    };
  }

  /** Does something after so many milliseconds. */
  after(ms: number, action: () => void): void {
    this.#sleeps.push({ owner: undefined, due: this.elapsed + ms, wake: action });
  }

  /** Lets the steps of a killed owner end, and forgets its sleeps. */
  drop(owner: Owner): void {
    for (const turn of this.#waiting) if (turn.owner === owner) turn.settle.resolve();
    this.#waiting = this.#waiting.filter((turn) => turn.owner !== owner);
    this.#sleeps = this.#sleeps.filter((sleep) => sleep.owner !== owner);
  }

  /** Hands out turns until the condition holds. */
  async run(until: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = this.elapsed + PATIENCE;
    for (;;) {
      await settle();
      if (this.#failure !== undefined) throw this.#failure.error;
      if (await until()) return;
      if (this.elapsed > deadline) throw new Error("The simulation did not come to rest");
      const ready = this.#waiting.filter((turn) => !turn.owner.paused && turn.due <= this.elapsed);
      // Now and then time passes although somebody could go on.
      if (ready.length > 0 && !this.random.chance(0.02)) this.#go(this.random.pick(ready));
      else this.#pass(ready.length > 0);
    }
  }

  #go(turn: Turn): void {
    const fate = this.fate(turn);
    if (typeof fate === "number") {
      turn.due = this.elapsed + fate;
      return;
    }
    this.turns++;
    this.#note(turn, fate);
    this.#waiting.splice(this.#waiting.indexOf(turn), 1);
    if (fate === undefined) turn.settle.resolve();
    else turn.settle.reject(fate);
  }

  /** Lets time pass to the next moment at which something is due. */
  #pass(others: boolean): void {
    const sleeps = this.#sleeps.filter((sleep) => sleep.owner?.paused !== true);
    const turns = this.#waiting.filter((turn) => !turn.owner.paused && turn.due > this.elapsed);
    const due = Math.min(...sleeps.map((s) => s.due), ...turns.map((t) => t.due));
    if (due === Infinity) {
      if (!others) throw new Error("The simulation stands still: nobody waits for anything");
      return;
    }
    this.elapsed = Math.max(this.elapsed, due);
    const over = sleeps.filter((sleep) => sleep.due <= this.elapsed);
    if (over.length === 0) return;
    const sleep = this.random.pick(over);
    this.#sleeps.splice(this.#sleeps.indexOf(sleep), 1);
    sleep.wake();
  }

  #note({ owner, step, phase }: Turn, fate: Error | undefined): void {
    const line = `${this.elapsed.toFixed(0)} ${owner.name} ${phase} ${step}` +
      (fate === undefined ? "" : ` -> ${fate.name}: ${fate.message}`);
    this.trace(line);
    this.trail.push(line);
    if (this.trail.length > 4_000) this.trail.splice(0, 2_000);
  }
}

/** Lets everything run that waits for no turn and no time: the ports in memory need neither. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
