import { MemoryStore } from "@pipeline/adapters/testing";
import { assertEquals } from "@std/assert";
import {
  foldedGenerations,
  readFolded,
  readReached,
  readStopped,
  removeControls,
  writeFolded,
  writeReached,
  writeStopped,
} from "./generations.ts";
import { foldedTo } from "./testing/mod.ts";

const POSTS = "reddit.posts";

const reachedTo = (partition: number, next_offset: number) => ({
  topic: POSTS,
  partition,
  next_offset,
} as const);

Deno.test("readReached() gives what is in memory, or in the store where only that is reported", async () => {
  const store = new MemoryStore();
  await writeFolded(store, 1, [0, 1, 2].map((partition) => foldedTo(POSTS, partition, 5)));
  await writeReached(store, 1, [reachedTo(1, 7), reachedTo(2, 3), reachedTo(3, 2)]);
  await writeReached(store, 1, [reachedTo(1, 6)]);
  const reached = await readReached(store, 1);
  assertEquals(
    reached.sort((a, b) => a.partition - b.partition),
    [reachedTo(0, 5), reachedTo(1, 7), reachedTo(2, 5), reachedTo(3, 2)],
  );
  assertEquals((await readFolded(store, 1)).map((folded) => folded.next_offset), [5, 5, 5]);
  assertEquals(await readReached(store, 2), []);
});

Deno.test("readStopped() leaves out a partition that a fold has passed in memory", async () => {
  const store = new MemoryStore();
  await writeFolded(store, 1, [foldedTo(POSTS, 0, 5), foldedTo(POSTS, 1, 5)]);
  const stopped = [0, 1].map((partition) => {
    return { topic: POSTS, partition, offset: 5, reason: "checksum", why: "Damaged" } as const;
  });
  await writeStopped(store, 1, { now: stopped, before: [] });
  await writeReached(store, 1, [reachedTo(0, 5), reachedTo(1, 6)]);
  assertEquals((await readStopped(store, 1)).map(({ partition }) => partition), [0]);
});

Deno.test("removeControls() removes what is in memory, too", async () => {
  const store = new MemoryStore();
  await writeReached(store, 1, [reachedTo(0, 5)]);
  assertEquals(await foldedGenerations(store), [1]);
  await removeControls(store, 1);
  assertEquals([await foldedGenerations(store), await readReached(store, 1)], [[], []]);
});
