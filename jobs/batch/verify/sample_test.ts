import { WINDOWS } from "@pipeline/core";
import { hourFolder } from "@pipeline/protocol";
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { InputFile } from "../plan.ts";
import { START } from "../testing/dataset.ts";
import { budgetOf, chooseFiles, costOf, takeByHash } from "./sample.ts";

const HOUR = WINDOWS["1h"];
const TOPIC = "reddit.posts";

/** A file with this many records in the n-th hour. */
function file(hour: number, records: number, name = "a"): InputFile {
  const path = `${hourFolder(TOPIC, START + hour * HOUR)}/data_${name}.json`;
  return { topic: TOPIC, file: { path, records, bytes: records, hash: "0".repeat(16) } };
}

const hours = Array.from({ length: 24 }, (_, hour) => file(hour, 150));

Deno.test("chooseFiles() takes all of a dataset that is within the budget", () => {
  const chosen = chooseFiles(hours, { keys: 1_000, seed: 1 });
  assertEquals([chosen.files.length, chosen.hours, chosen.all], [24, 24, 24]);
  assertEquals(chosen.since, START);
  assertEquals(chosen.isWhole(START, 24 * HOUR), true);
});

Deno.test("chooseFiles() stays within the budget, half of it for the newest hours, the rest by seed", () => {
  // Six hours of 200 each.
  const sample = { keys: 6, seed: 1 };
  const chosen = chooseFiles(hours, sample);
  assert(costOf(chosen.files) <= budgetOf(sample));
  assertEquals([chosen.hours, chosen.files.length], [6, 6]);
  assertEquals(chosen.since, START + 21 * HOUR);
  assertEquals(chooseFiles(hours, sample).files, chosen.files);
  const others = chooseFiles(hours, { ...sample, seed: 2 });
  assertEquals(others.since, chosen.since);
  assertNotEquals(others.files, chosen.files);
});

Deno.test("chooseFiles() determines whether a span is read whole", () => {
  const chosen = chooseFiles(hours, { keys: 6, seed: 1 });
  assertEquals(chosen.isWhole(START + 22 * HOUR, 2 * HOUR), true);
  assertEquals(chosen.isWhole(START, 24 * HOUR), false);
  // Hours without a file lose nothing; a minute is whole with its hour.
  assertEquals(chosen.isWhole(START + 24 * HOUR, 24 * HOUR), true);
  const read = new Set(chosen.files.map(({ file }) => file.path));
  for (const [hour, { file }] of hours.entries()) {
    const start = START + hour * HOUR + 59 * WINDOWS["1m"];
    assertEquals(chosen.isWhole(start, WINDOWS["1m"]), read.has(file.path), `hour ${hour}`);
  }
});

Deno.test("chooseFiles() takes single files where no hour is within the budget, at least one", () => {
  const sample = { keys: 2, seed: 1 };
  const parts = Array.from({ length: 9 }, (_, i) => file(0, 100, `part-${i}`));
  const chosen = chooseFiles(parts, sample);
  assertEquals([chosen.files.length, chosen.hours, chosen.since], [2, 0, Infinity]);
  assertEquals(chosen.isWhole(START, HOUR), false);
  assertEquals(chooseFiles([file(0, 1_000_000)], sample).files.length, 1);
  assertEquals(chooseFiles([], sample).files, []);
});

Deno.test("chooseFiles() refuses a file in no hour", () => {
  const lost = { topic: TOPIC, file: { ...hours[0]!.file, path: "posts/data.json" } } as const;
  assertThrows(() => chooseFiles([lost], { keys: 1, seed: 1 }), Error, "posts/data.json");
});

Deno.test("takeByHash() takes the same things in whatever order they come, and others by another seed", () => {
  const things = Array.from({ length: 50 }, (_, i) => `key ${i}`);
  const take = (of: readonly string[], seed: number) => takeByHash(of, String, { keys: 5, seed });
  assertEquals(take(things.toReversed(), 1), take(things, 1));
  assertNotEquals(take(things, 2), take(things, 1));
  assertEquals(take(things.slice(0, 3), 1).length, 3);
});
