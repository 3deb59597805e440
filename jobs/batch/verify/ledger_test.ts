import { openMemory } from "@pipeline/adapters/testing";
import { encodeRecord, type Entity, hashText } from "@pipeline/core";
import { assertEquals } from "@std/assert";
import { commitRecords, post, START } from "../testing/dataset.ts";
import { type LedgerEntry, verifyLedger } from "./ledger.ts";
import { Differences } from "./report.ts";

const POSTS = Array.from({ length: 6 }, (_, i) => post(`p${i}`, START + i));

/** An entry for a record that was acknowledged at an offset. */
function entry(offset: number, record: Entity = POSTS[offset]!): LedgerEntry {
  const id = `id ${offset}`;
  return { topic: "reddit.posts", partition: 0, offset, id, hash: hashText(encodeRecord(record)) };
}

/** Posts 0 to 3 in two commits; offset 3 is a dead letter. */
async function verified(...ledger: LedgerEntry[]) {
  const { dataset } = openMemory();
  await commitRecords(dataset, 0, POSTS.slice(0, 2));
  await commitRecords(dataset, 2, POSTS.slice(2, 3), { end: 4, dead_letters: [3] });
  const differences = new Differences();
  const entries = async function* () {
    for (const one of ledger) yield await Promise.resolve(one);
  };
  const check = await verifyLedger(dataset, entries(), differences);
  return { ...check, what: differences.first.map(({ what, found }) => [what, found]) };
}

const EXACT = { differences: 0, what: [] };

Deno.test("verifyLedger() finds each record once in the dataset or among the dead letters, in any order", async () => {
  assertEquals(await verified(entry(3), entry(1), entry(0), entry(2)), {
    ...{ acknowledged: 4, dead_letters: 1, beyond: 0, others: 0 },
    ...EXACT,
  });
});

Deno.test("verifyLedger() counts what it cannot judge: others' records, and uncommitted ones", async () => {
  assertEquals(await verified(entry(0), entry(4), entry(5)), {
    ...{ acknowledged: 1, dead_letters: 0, beyond: 2, others: 2 },
    ...EXACT,
  });
  assertEquals((await verified(entry(5))).acknowledged, 0);
});

Deno.test("verifyLedger() finds a record that is not as it was sent", async () => {
  const { differences, what, others } = await verified(entry(0), entry(1, POSTS[5]));
  assertEquals([differences, what], [1, [["reddit.posts-0@1 id 1", undefined]]]);
  assertEquals(others, 2, "what is there instead is somebody else's");
});

Deno.test("verifyLedger() finds an offset that was acknowledged twice, also for equal records", async () => {
  const { differences, what } = await verified(entry(0), entry(1), entry(1));
  assertEquals(differences, 2);
  assertEquals(what[0], ["reddit.posts-0@1", "two"]);
  assertEquals(what[1], ["reddit.posts-0@1 id 1", undefined]);
});

Deno.test("verifyLedger() finds a commit that holds more records than offsets", async () => {
  const { dataset } = openMemory();
  await commitRecords(dataset, 0, POSTS.slice(0, 3), { end: 2 });
  const differences = new Differences();
  const entries = async function* () {
    yield await Promise.resolve(entry(0));
  };
  await verifyLedger(dataset, entries(), differences);
  assertEquals(differences.first, [{
    check: "ledger",
    what: "reddit.posts-0@0 to 1",
    expected: "at most 2 records",
    found: 3,
  }]);
});
