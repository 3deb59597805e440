/**
 * What a state holds: bytes a key, and nothing more when the same keys come again.
 *
 * @module
 */

import { DEFAULT_SETTINGS, type Entity, parseRecord, ViewState } from "@pipeline/core";
import { type Figure, memoryInUse, ratio } from "./_figure.ts";
import { historyLines } from "./_history.ts";

const TIMES = 5;

/** Runs the benchmark. */
export function memory(): Promise<Figure[]> {
  const lines = historyLines();
  const before = memoryInUse();
  const state = new ViewState(DEFAULT_SETTINGS);
  const foldAll = (round: number) => {
    for (const { topic, bytes } of lines) state.add(later(parseRecord(topic, bytes), round));
  };
  foldAll(0);
  const once = memoryInUse() - before;
  const { keys } = state;
  for (let round = 1; round < TIMES; round++) foldAll(round);
  const often = memoryInUse() - before;
  if (state.keys !== keys) throw new Error(`${keys} keys became ${state.keys}`);
  const growth = often / once;
  return Promise.resolve([
    {
      what: "heap of the state",
      value: `${Math.round(once / keys)} bytes a key`,
      against: `${keys.toLocaleString("en-US")} keys, ${mebibytes(once)}`,
    },
    {
      what: `the same keys ${TIMES} times`,
      value: mebibytes(often),
      against: `${ratio(growth)} x once`,
      goal: "at most 1.10",
      reached: growth <= 1.1,
    },
  ]);
}

/** Announcements are delivered again as they are; whatever is an update comes as a later one. */
function later(record: Entity, round: number): Entity {
  if (record.timestamp === record.created_utc) return record;
  return { ...record, timestamp: record.timestamp + round };
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
