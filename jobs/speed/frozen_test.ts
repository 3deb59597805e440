import { PipelineError, type ServingStore, type StoredDocument, VIEWS } from "@pipeline/core";
import { readFolded, writeFolded } from "@pipeline/protocol";
import { foldedTo } from "@pipeline/protocol/testing";
import { assertEquals, assertRejects } from "@std/assert";
import type { GenerationFold } from "./generation_fold.ts";
import { append, batch, byHand, post, POSTS, said, started, world } from "./testing/fold.ts";

const EVERYTHING = {
  questions: VIEWS.map((view) => ({ view, query: { order: "id", limit: 10_000 } } as const)),
};

/** What a fold answers about the posts. */
const answered = (fold: GenerationFold) => fold.answer(EVERYTHING).find((a) => a.topic === POSTS);

async function documents(store: ServingStore): Promise<StoredDocument[]> {
  await store.refresh(1);
  const pages = VIEWS.map((view) => store.search(1, view, { order: "id", limit: 10_000 }));
  return (await Promise.all(pages)).flatMap(({ documents }) => documents);
}

/** A fold whose partition comes and goes by hand. */
async function opened(options: Parameters<typeof started>[1] = {}) {
  const ports = await world();
  const { hand, log } = byHand(ports.log);
  const { fold } = await started({ ...ports, log }, options);
  const { start, batch: deliver, revoked } = hand.subscriber!;
  return {
    ports,
    log,
    hand,
    fold,
    assign: () => start(POSTS, 0),
    deliver,
    revoke: () => revoked!(POSTS, 0),
  };
}

/** Records of the log behind `opened`, so that a partition can be continued. */
async function appended(ids: readonly string[], { ports }: Awaited<ReturnType<typeof opened>>) {
  await append(ports.log, ...ids.map(post));
}

Deno.test("a partition that was revoked answers as it was, and is neither folded nor written", async () => {
  const world = await opened();
  const { ports, fold, assign, deliver, revoke } = world;
  await appended(["p0", "p1"], world);
  await assign();
  await deliver(batch(0, ["p0"]));
  const before = answered(fold);
  await revoke();
  await deliver(batch(1, ["p1"]));
  await fold.flush();
  assertEquals(await said(ports), undefined);
  assertEquals([answered(fold), fold.frozen, fold.folded()], [before, 1, []]);
  assertEquals(fold.keys, before?.keys);
  await fold.stop();
});

Deno.test("a partition that comes back goes on where it was, and writes what an undisturbed fold writes", async () => {
  const ids = ["p0", "p1", "p0", "p2", "p1", "p3"];
  const disturbed = await opened();
  const undisturbed = await opened();
  for (const world of [disturbed, undisturbed]) {
    await appended(ids, world);
    assertEquals(await world.assign(), 0);
    await world.deliver(batch(0, ids.slice(0, 2)));
    if (world === disturbed) {
      await world.revoke();
      assertEquals(await world.assign(), 2);
    }
    await world.deliver(batch(2, ids.slice(2)));
    await world.fold.stop();
  }
  assertEquals(answered(disturbed.fold), answered(undisturbed.fold));
  assertEquals(await documents(disturbed.ports.store), await documents(undisturbed.ports.store));
  assertEquals(
    await readFolded(disturbed.ports.store, 1),
    await readFolded(undisturbed.ports.store, 1),
  );
});

Deno.test("a partition that comes back does not write again what another owner wrote meanwhile", async () => {
  const written: number[] = [];
  const world = await opened({ onWrite: ({ documents }) => void written.push(documents) });
  const { ports, fold, assign, deliver, revoke } = world;
  await appended(["p0", "p1", "p2"], world);
  await assign();
  await deliver(batch(0, ["p0"]));
  await fold.flush();
  written.length = 0;
  await revoke();
  await writeFolded(ports.store, 1, [foldedTo(POSTS, 0, 3)]);
  assertEquals(await assign(), 1);
  await deliver(batch(1, ["p1", "p2"]));
  await fold.flush();
  assertEquals([written, answered(fold)?.next_offset], [[], 3]);
  await fold.stop();
});

Deno.test("a partition that comes back is refused where the log is another one", async () => {
  const world = await opened();
  await appended(["p0", "p1", "p2"], world);
  await world.assign();
  // The log holds another record than the one that was delivered last.
  await world.deliver(batch(0, ["p0", "p9"]));
  await world.revoke();
  const error = await assertRejects(() => world.assign(), PipelineError, "the topic was recreated");
  assertEquals(error.code, "diverged");
  await world.fold.stop();
});

Deno.test("release() drops a frozen partition once the store is as far, and no other", async () => {
  const world = await opened();
  const { fold, assign, deliver, revoke } = world;
  await appended(["p0", "p1"], world);
  await assign();
  await deliver(batch(0, ["p0", "p1"]));
  fold.release([foldedTo(POSTS, 0, 2)]);
  assertEquals(answered(fold)?.next_offset, 2, "it is not frozen");
  await revoke();
  fold.release([foldedTo(POSTS, 0, 1), foldedTo("reddit.users", 0, 9)]);
  assertEquals([fold.frozen, answered(fold)?.next_offset], [1, 2]);
  fold.release([foldedTo(POSTS, 0, 2)]);
  assertEquals([fold.frozen, answered(fold)], [0, undefined]);
  assertEquals(await assign(), 0);
  await fold.stop();
});

Deno.test("a fold that is stopped answers on, and another one continues it", async () => {
  const world = await opened();
  const { ports, log, hand, assign, deliver } = world;
  const ids = ["p0", "p1", "p2"];
  await appended(ids, world);
  await assign();
  await deliver(batch(0, ["p0", "p1"]));
  await world.fold.stop({ discard: true });
  assertEquals([world.fold.frozen, answered(world.fold)?.next_offset], [1, 2]);
  assertEquals(await said(ports), undefined);
  const { fold } = await started({ ...ports, log }, { before: world.fold });
  assertEquals(answered(fold), answered(world.fold));
  const { start, batch: deliverMore } = hand.subscriber!;
  assertEquals(await start(POSTS, 0), 2);
  await deliverMore(batch(2, ["p2"]));
  await fold.stop();
  const whole = await opened();
  await appended(ids, whole);
  await whole.assign();
  await whole.deliver(batch(0, ids));
  await whole.fold.stop();
  const shown = async (store: ServingStore) =>
    (await documents(store)).map(({ id, body }) => [id, body]);
  assertEquals(await shown(ports.store), await shown(whole.ports.store));
});

Deno.test("a fold that failed is not continued", async () => {
  const world = await opened();
  await appended(["p0"], world);
  await world.assign();
  await world.deliver(batch(0, ["p0"]));
  await world.ports.store.dropGeneration(1);
  await assertRejects(() => world.fold.flush(), PipelineError);
  await world.fold.stop({ discard: true });
  await world.ports.store.createGeneration(1);
  const { fold } = await started({ ...world.ports, log: world.log }, { before: world.fold });
  assertEquals([fold.frozen, answered(fold)], [0, undefined]);
  assertEquals(await world.hand.subscriber!.start(POSTS, 0), 0);
  await fold.stop();
});

Deno.test("a record that is neither a record nor rejected ends the fold, which then answers nothing of it", async () => {
  const world = await opened();
  await world.assign();
  const delivered = batch(0, ["p0", "p1"]);
  const broken = {
    ...delivered.records[1]!,
    get value(): Uint8Array {
      throw new Error("A defect");
    },
  };
  const records = [delivered.records[0]!, broken];
  await assertRejects(() => world.deliver({ ...delivered, records }), Error, "A defect");
  assertEquals(answered(world.fold), undefined);
  await world.fold.stop();
});

Deno.test("answer() states a stopped partition, refuses too many documents, and answers without questions", async () => {
  const world = await opened();
  const { fold, hand, assign, deliver } = world;
  await assign();
  await deliver(batch(0, ["p0"]));
  hand.stopped = [{ topic: POSTS, partition: 0, offset: 1, reason: "checksum", why: "Damaged" }];
  const [answer] = fold.answer({ questions: [] });
  assertEquals([answer?.stopped?.why, answer?.answers, answer?.records], ["Damaged", [], 1]);
  await deliver(batch(1, Array.from({ length: 10_000 }, (_, i) => `q${i}`)));
  const many = { view: "top_posts", query: { order: "id", limit: 10_001 } } as const;
  const error = await assertRejects(
    () => Promise.resolve().then(() => fold.answer({ questions: [many] })),
    PipelineError,
    "has 10001 documents",
  );
  assertEquals(error.code, "too_large");
  await fold.stop({ discard: true });
});
