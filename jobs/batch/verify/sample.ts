/**
 * Selects the part of the dataset that a bounded verification reads, and the keys that it checks:
 * its cost depends on the requested sample, not on the size of the dataset.
 *
 * @module
 */

import { hashText, PipelineError, WINDOWS } from "@pipeline/core";
import { readFolder } from "@pipeline/protocol";
import type { InputFile } from "../plan.ts";

/** The request for a bounded verification. */
export interface Sample {
  /** Most keys per view. */
  readonly keys: number;
  /** Selects hours, partitions and keys; the same seed selects the same ones. */
  readonly seed: number;
}

/** Records to read for each requested key, both of the dataset and of the log. */
const RECORDS_A_KEY = 200;

/** The cost of opening a file, in records: files of seconds are many and small. */
const FILE_COST = 50;

const HOUR = WINDOWS["1h"];

/**
 * The most that a sample reads of the dataset, and of the log: in records, including the cost of
 * files.
 */
export function budgetOf({ keys }: Sample): number {
  return keys * RECORDS_A_KEY;
}

/** The cost of reading files, in records. */
export function costOf(files: readonly InputFile[]): number {
  return files.reduce((sum, { file }) => sum + file.records + FILE_COST, 0);
}

/** The first items in an order that follows from their names and the seed alone. */
export function takeByHash<T>(
  things: Iterable<T>,
  nameOf: (thing: T) => string,
  { seed, keys }: Sample,
): T[] {
  return Array.from(things, (thing) => ({ thing, at: hashText(`${seed} ${nameOf(thing)}`) }))
    .sort((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0)
    .slice(0, keys)
    .map(({ thing }) => thing);
}

/** The part of the dataset to read. */
export interface Chosen {
  /** The files. */
  readonly files: readonly InputFile[];
  /** Number of hours (of event time) that are read whole. */
  readonly hours: number;
  /** Number of hours in the dataset. */
  readonly all: number;
  /** Every hour from this time on is read whole, milliseconds since 1970. */
  readonly since: number;
  /** Whether all records with a time from `start` on, for `size` milliseconds, are read. */
  readonly isWhole: (start: number, size: number) => boolean;
}

/**
 * Chooses whole hours, as many as the budget allows: the newest ones for half of it, and others by
 * hash. If not even one fits, it chooses files by hash instead, and no hour is whole.
 */
export function chooseFiles(files: readonly InputFile[], sample: Sample): Chosen {
  const hours = Map.groupBy(files, hourOf);
  const newest = [...hours.keys()].sort((a, b) => b - a);
  const budget = budgetOf(sample);
  const whole = new Set<number>();
  let left = budget;
  let since = Infinity;
  const take = (hour: number, keep: number): boolean => {
    const cost = costOf(hours.get(hour)!);
    if (left - cost < keep) return false;
    left -= cost;
    whole.add(hour);
    return true;
  };
  for (const hour of newest) {
    if (!take(hour, budget / 2)) break;
    since = hour;
  }
  const others = newest.filter((hour) => !whole.has(hour));
  for (const hour of takeByHash(others, String, { ...sample, keys: Infinity })) take(hour, 0);
  return {
    files: whole.size > 0
      ? [...whole].flatMap((hour) => hours.get(hour)!)
      : filesByHash(files, sample),
    hours: whole.size,
    all: hours.size,
    since,
    isWhole: (start, size) => {
      for (let hour = start - start % HOUR; hour < start + size; hour += HOUR) {
        if (hours.has(hour) && !whole.has(hour)) return false;
      }
      return true;
    },
  };
}

/** At least one file, and no more than the budget allows. */
function filesByHash(files: readonly InputFile[], sample: Sample): InputFile[] {
  let left = budgetOf(sample);
  const taken: InputFile[] = [];
  for (const file of takeByHash(files, ({ file }) => file.path, { ...sample, keys: Infinity })) {
    const cost = costOf([file]);
    if (taken.length > 0 && cost > left) continue;
    left -= cost;
    taken.push(file);
  }
  return taken;
}

function hourOf({ file }: InputFile): number {
  const place = readFolder(file.path.slice(0, file.path.lastIndexOf("/")));
  if (place !== undefined) return place.hour;
  throw new PipelineError("corrupt", `A commit names a file in no hour: ${file.path}`);
}
