/**
 * What a fault case is, and what came of it.
 *
 * @module
 */

import type { Stage } from "./_stage.ts";

/** What a case acts with. */
export interface Scene {
  /** The servers and the jobs. */
  readonly stage: Stage;
  /** Does something, whose words stand in the table; recovery counts from its beginning. */
  act<T>(what: string, work: () => T | Promise<T>): Promise<T>;
  /** Waits until the pipeline is as before the last act; may be called after several acts. */
  recovered(options?: {
    /** Longest time to wait, milliseconds. */
    readonly timeout?: number;
    /** Processes by name that need not be ready: they are what is broken. */
    readonly except?: readonly string[];
  }): Promise<void>;
  /** Lets time pass under load, in seconds. */
  wait(seconds: number): Promise<void>;
  /** Something worth a word in the table. */
  note(text: string): void;
}

/** A fault, what is expected of it, and when it is over. */
export interface FaultCase {
  /** In the list of docs/faults.md; none where the fault has no number there. */
  readonly numbers: readonly number[];
  /** What happens, as the test's name says it. */
  readonly title: string;
  /** Also a part of `make test`. */
  readonly quick?: true;
  /**
   * Destroys what is not made whole again, so that the next case gets a world of its own. It is
   * checked before it strikes, and then checks by itself.
   */
  readonly last?: true;
  /** The generator is killed: what it had no time to write down is no stray. */
  readonly unledgered?: true;
  /** A process may end by itself, as long as it comes back. */
  readonly crashes?: true;
  /** Strikes, expects and waits; throws where something is not as it must be. */
  run(scene: Scene): Promise<void>;
}

/** How long it took until all was as before. */
export interface Recovery {
  /** The act that it counts from; empty where there was but one. */
  readonly from: string;
  /** Milliseconds; 0 where nothing was ever seen otherwise. */
  readonly after: number;
}

/** What came of a case. */
export interface Outcome {
  /** Of the case's test. */
  readonly name: string;
  /** What was done, a part each. */
  readonly done: readonly string[];
  /** What else was seen. */
  readonly notes: readonly string[];
  /** None where recovering is no part of the case. */
  readonly recoveries: readonly Recovery[];
  /** Records acknowledged since the case before. */
  readonly acknowledged: number;
  /** The log against the ledger of what was acknowledged. */
  readonly ledger: string;
  /** What `batch verify` found. */
  readonly verify: string;
  /** Records whose sending had no clear end. */
  readonly ambiguous: string;
  /** What is not as it must be; none where the case holds. */
  readonly failure?: string;
}

/** The name of a case's test. */
export function nameOf({ numbers, title }: Pick<FaultCase, "numbers" | "title">): string {
  if (numbers.length === 0) return title;
  return `${numbers.length === 1 ? "case" : "cases"} ${numbers.join(", ")}: ${title}`;
}
