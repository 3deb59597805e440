import { MemoryStore } from "@pipeline/adapters/testing";
import { documentId, type PostDocument } from "@pipeline/core";
import { assertEquals } from "@std/assert";
import {
  foldedGenerations,
  readFolded,
  readPartitionFolded,
  readReached,
  readStopped,
  removeControls,
  writeFolded,
  writeReached,
  writeStopped,
} from "./generations.ts";
import { foldedTo } from "./testing/mod.ts";

const POSTS = "reddit.posts";

const POST: PostDocument = {
  type: "post",
  part: "reddit.posts-0",
  subreddit: "a",
  post_id: "p",
  title: "",
  user_id: "u",
  score: 1,
  num_comments: 0,
  created_utc: 0,
  timestamp: 0,
};

const reachedTo = (partition: number, next_offset: number) => ({
  topic: POSTS,
  partition,
  next_offset,
} as const);

Deno.test("readReached() gives what is in memory, or in the store where only that is reported", async () => {
  const store = new MemoryStore();
  await store.createGeneration(1);
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
  await store.createGeneration(1);
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

Deno.test("writeFolded() writes control documents where an earlier version has created the generation", async () => {
  const folded = [foldedTo(POSTS, 0, 5)];
  const old = new MemoryStore({ watermarks: false, refresh: "manual" });
  await old.createGeneration(1);
  await old.write(1, "top_posts", [{ id: documentId(POST), version: 5, body: POST }]);
  assertEquals(await writeFolded(old, 1, folded), true);
  assertEquals((await old.controls("folded/")).map(({ body }) => body), folded);
  assertEquals([await readFolded(old, 1), await old.count(1, "top_posts")], [folded, 1]);
  assertEquals(await readPartitionFolded(old, 1, POSTS, 0), folded[0]);

  const store = new MemoryStore();
  await store.createGeneration(1);
  await writeFolded(store, 1, folded);
  assertEquals(await store.controls("folded/"), []);
  assertEquals(await readPartitionFolded(store, 1, POSTS, 0), folded[0]);
  assertEquals(await readPartitionFolded(store, 1, POSTS, 1), undefined);
});

Deno.test("readFolded() passes over what an earlier version of speed reports of documents that are not found", async () => {
  const store = new MemoryStore();
  await store.createGeneration(1);
  await store.putControls([{
    id: "folded/000001/reddit.posts-0",
    version: 10,
    body: foldedTo(POSTS, 0, 9),
  }]);
  assertEquals(await readFolded(store, 1), []);
  await writeFolded(store, 1, [foldedTo(POSTS, 0, 5)]);
  assertEquals(await readFolded(store, 1), [foldedTo(POSTS, 0, 5)]);
});

Deno.test("writeFolded() writes nothing once the store may have lost documents", async () => {
  const store = new MemoryStore();
  await store.createGeneration(1);
  await writeFolded(store, 1, [foldedTo(POSTS, 0, 5)]);
  store.lose(1);
  assertEquals(await writeFolded(store, 1, [foldedTo(POSTS, 0, 6)]), false);
  assertEquals(await readFolded(store, 1), []);
  assertEquals(await writeFolded(store, 1, [foldedTo(POSTS, 0, 6)]), true);
});
