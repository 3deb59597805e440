import { type MemoryDataset, openMemory } from "@pipeline/adapters/testing";
import { canonicalBytes, hashBytes } from "@pipeline/core";
import { type Commit, CommitLog, TEMPORARY } from "@pipeline/protocol";
import { assertEquals } from "@std/assert";
import { sweep } from "./sweep.ts";

const AGE = 1_000;
const FOLDER = "posts/year=2026/month=03/day=01/hour=00";

/** A dataset whose files all have the time of its creation. */
function opened() {
  let now = 5_000;
  const { dataset } = openMemory({ clock: () => now });
  return { dataset, later: (ms: number) => now += ms, now: () => now };
}

/** A commit of the posts from `start` on, with these files. */
function commitOf(token: string, start: number, paths: readonly string[]): Commit {
  return {
    topic: "reddit.posts",
    partition: 0,
    start,
    end: start + 1,
    files: paths.map((path) => ({
      path,
      records: 1,
      bytes: 1,
      hash: hashBytes(new Uint8Array(1)),
    })),
    records: paths.length,
    dead_letters: [],
    last: null,
    token,
  };
}

/** A dead writer has placed its files and written its intent. */
async function died(dataset: MemoryDataset, intent: Commit): Promise<void> {
  for (const { path } of intent.files) {
    if (await dataset.status(`/data/${path}`) !== undefined) continue;
    await dataset.write(`/data/${path}`, new Uint8Array(1));
  }
  const path = `${TEMPORARY}/${intent.token}/commit-reddit.posts-0-${intent.start}`;
  await dataset.write(path, canonicalBytes(intent));
}

const names = async (dataset: MemoryDataset, path: string) =>
  (await dataset.list(path)).map(({ name }) => name);

Deno.test("sweep() removes old files, but none of a running writer", async () => {
  const { dataset, later, now } = opened();
  for (const token of ["old", "kept"]) {
    await dataset.write(`${TEMPORARY}/${token}/data`, new Uint8Array(1));
  }
  await dataset.write(`${TEMPORARY}/busy/data-0`, new Uint8Array(1));
  later(AGE);
  await dataset.write(`${TEMPORARY}/busy/data-1`, new Uint8Array(1));
  await dataset.write(`${TEMPORARY}/new/data`, new Uint8Array(1));
  const options = { now: now(), age: AGE, keep: ["kept"] };
  assertEquals(await sweep(dataset, { ...options, now: now() - 1 }), 0, "a millisecond too young");
  assertEquals(await sweep(dataset, options), 1);
  assertEquals(await names(dataset, TEMPORARY), ["busy", "kept", "new"]);
});

Deno.test("sweep() removes the files of a flush that another writer committed, but for those that it shares", async () => {
  const { dataset, now } = opened();
  const [shared, own] = [`${FOLDER}/data_0_0-1.json`, `${FOLDER}/data_0_0-2.json`];
  await died(dataset, commitOf("dead", 0, [shared, own]));
  await new CommitLog(dataset).publish(
    commitOf("winner", 0, [shared]),
    `${TEMPORARY}/winner/commit`,
  );
  assertEquals(await sweep(dataset, { now: now() + AGE, age: AGE, keep: ["winner"] }), 2);
  assertEquals(await names(dataset, `/data/${FOLDER}`), ["data_0_0-1.json"]);
  assertEquals(await names(dataset, TEMPORARY), ["winner"]);
});

Deno.test("sweep() leaves alone what may still be committed, all of that writer's", async () => {
  const { dataset, now } = opened();
  await died(dataset, commitOf("slow", 0, [`${FOLDER}/data_0_0-1.json`]));
  await dataset.write(`${TEMPORARY}/slow/data-1`, new Uint8Array(1));
  assertEquals(await sweep(dataset, { now: now() + AGE, age: AGE }), 0);
  assertEquals((await names(dataset, `${TEMPORARY}/slow`)).length, 2);
  assertEquals(await names(dataset, `/data/${FOLDER}`), ["data_0_0-1.json"]);
});

Deno.test("sweep() knows commits that were gathered into a checkpoint", async () => {
  const { dataset, now } = opened();
  const [shared, own] = [`${FOLDER}/data_0_0-1.json`, `${FOLDER}/data_0_0-2.json`];
  await died(dataset, commitOf("dead", 0, [shared, own]));
  const commits = new CommitLog(dataset);
  await commits.publish(commitOf("winner", 0, [shared]), `${TEMPORARY}/winner/commit-0`);
  await commits.publish(commitOf("winner", 1, []), `${TEMPORARY}/winner/commit-1`);
  await commits.checkpoint("reddit.posts", 0, 2, 1);
  assertEquals(await names(dataset, "/data/_commits/reddit.posts/0"), []);
  assertEquals(await sweep(dataset, { now: now() + AGE, age: AGE, keep: ["winner"] }), 2);
  assertEquals(await names(dataset, `/data/${FOLDER}`), ["data_0_0-1.json"]);
});

Deno.test("sweep() takes half of an intent for none: its writer had placed nothing", async () => {
  const { dataset, now } = opened();
  const half = canonicalBytes(commitOf("dead", 0, [])).subarray(0, 20);
  await dataset.write(`${TEMPORARY}/dead/commit-reddit.posts-0-0`, half);
  await dataset.write(`${TEMPORARY}/load/commit-history`, canonicalBytes({ load: "a", files: [] }));
  assertEquals(await sweep(dataset, { now: now() + AGE, age: AGE }), 2);
  assertEquals(await names(dataset, TEMPORARY), []);
});
