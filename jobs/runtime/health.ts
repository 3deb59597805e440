/**
 * What a job says of itself: *ready* means that it can do its work now, *live*
 * means that it makes progress. A job that waits for a dependency is not ready,
 * but live as long as it keeps trying.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** One thing that readiness or liveness depends on. */
export interface Check {
  /** Of the dependency or loop. */
  readonly name: string;
  /** Whether it is as it should be. */
  readonly ok: boolean;
  /** Why it is not, or since when. */
  readonly detail: string;
}

/** What a job says of itself at one moment. */
export interface HealthReport {
  /** Whether every gate is open. */
  readonly ready: boolean;
  /** Whether every loop came around in time. */
  readonly live: boolean;
  /** Gates, then loops. */
  readonly checks: readonly Check[];
}

/** Something that must be so before a job is ready, such as an answer from a dependency. */
export interface Gate {
  /** Marks the condition as met. */
  open(): void;
  /** Marks the condition as not met; `/readyz` shows why. */
  close(why: string): void;
}

/** A loop that must come around. */
export interface Loop {
  /** Came around once, also when there was nothing to do or a call failed. */
  beat(): void;
  /** Ended as it should. */
  end(): void;
}

/** Readiness and liveness of one job. */
export class Health {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #gates = new Map<string, string | undefined>();
  readonly #conditions = new Map<string, () => string | undefined>();
  readonly #loops = new Map<string, { last: number; readonly stall: number }>();

  /** Starts without gates and loops; the clock tells how long ago a loop came around. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Adds a condition of readiness, closed at first. */
  gate(name: string): Gate {
    this.#gates.set(name, "not yet");
    return {
      open: () => void this.#gates.set(name, undefined),
      close: (why) => void this.#gates.set(name, why),
    };
  }

  /** Adds a condition of readiness that is asked each time: it tells why it is not so, if it is not. */
  condition(name: string, whyNot: () => string | undefined): void {
    this.#conditions.set(name, whyNot);
  }

  /** Adds a loop; without a beat for `stallAfter` milliseconds the job is not live. */
  loop(name: string, stallAfter: number): Loop {
    const state = { last: this.#clock.monotonic(), stall: stallAfter };
    this.#loops.set(name, state);
    return {
      beat: () => void (state.last = this.#clock.monotonic()),
      end: () => void this.#loops.delete(name),
    };
  }

  /** Every loop came around, since something that a loop waits for is being tried again. */
  tryAgain(): void {
    for (const loop of this.#loops.values()) loop.last = this.#clock.monotonic();
  }

  /** What is so now. */
  report(): HealthReport {
    const asked = [...this.#conditions].map(([name, whyNot]) => [name, whyNot()] as const);
    const gates = [...this.#gates, ...asked].map(([name, why]) => ({
      name,
      ok: why === undefined,
      detail: why ?? "ok",
    }));
    const loops = [...this.#loops].map(([name, { last, stall }]) => {
      const age = Math.round(this.#clock.monotonic() - last);
      return { name, ok: age <= stall, detail: `last came around ${age} ms ago` };
    });
    return {
      ready: gates.every(({ ok }) => ok),
      live: loops.every(({ ok }) => ok),
      checks: [...gates, ...loops],
    };
  }
}
