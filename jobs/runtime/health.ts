/**
 * A job's report on itself: *ready* means that it can do its work now, *live* means that it makes
 * progress. A job that waits for a dependency is not ready, but live as long as it keeps trying.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** One condition that readiness or liveness depends on. */
export interface Check {
  /** Name of the dependency or loop. */
  readonly name: string;
  /** Whether the condition is met. */
  readonly ok: boolean;
  /** Why it is not met, or since when. */
  readonly detail: string;
}

/** A job's report on itself at one moment. */
export interface HealthReport {
  /** Whether every gate is open. */
  readonly ready: boolean;
  /** Whether every loop has beaten in time. */
  readonly live: boolean;
  /** Gates, then loops. */
  readonly checks: readonly Check[];
}

/** A condition of readiness, such as an answer from a dependency. */
export interface Gate {
  /** Marks the condition as met. */
  open(): void;
  /** Marks the condition as not met; `/readyz` shows why. */
  close(why: string): void;
}

/** A loop that must keep running. */
export interface Loop {
  /** Reports one iteration, even if there was nothing to do or a call failed. */
  beat(): void;
  /** Reports that the loop has ended as intended. */
  end(): void;
}

/** Readiness and liveness of one job. */
export class Health {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #gates = new Map<string, string | undefined>();
  readonly #conditions = new Map<string, () => string | undefined>();
  readonly #loops = new Map<string, { last: number; readonly stall: number }>();

  /** Starts without gates and loops; the clock measures the time since a loop's last beat. */
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

  /** Adds a condition of readiness that is evaluated each time: it returns why it is not met. */
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

  /** Beats for every loop, since a call that a loop waits for is being retried. */
  tryAgain(): void {
    for (const loop of this.#loops.values()) loop.last = this.#clock.monotonic();
  }

  /** The current report. */
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
