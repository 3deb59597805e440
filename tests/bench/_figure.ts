/**
 * What a benchmark gives, and how it is measured.
 *
 * @module
 */

import process from "node:process";

/** One row of the table. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  /** What it is compared with, and how it stands to that. */
  readonly against?: string;
  /** The goal, where there is one, and whether it is reached. */
  readonly goal?: string;
  readonly reached?: boolean;
}

/** A benchmark, in a process of its own. */
export type Benchmark = () => Promise<Figure[]>;

/**
 * Milliseconds of processor time of all threads of this process, so that garbage collection counts
 * and what else the machine does counts less.
 */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs subjects in turns, after one round to warm up, and returns each one's median time. */
export function inTurns<K extends string>(
  subjects: Readonly<Record<K, () => unknown>>,
  rounds: number,
): Record<K, number> {
  const names = Object.keys(subjects) as K[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    K,
    number[]
  >;
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      collectGarbage();
      const started = processorTime();
      kept = subjects[name]();
      if (round > 0) times[name].push(processorTime() - started);
    }
  }
  kept = undefined;
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<K, number>;
}

/** Holds what a subject made until the next one starts. */
export let kept: unknown;

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** The smallest value that a share of all (0 to 1) does not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Collects all garbage; needs `--expose-gc`. */
export function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

/** Bytes of heap and of buffers that are in use. */
export function memoryInUse(): number {
  // Buffers that one collection finds unused are given back by the next.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** A rate in thousands a second. */
export function rate(records: number, milliseconds: number): string {
  return `${Math.round(records / milliseconds)} k records/s`;
}

/** A ratio. */
export function ratio(value: number): string {
  return value.toFixed(2);
}
