import { faulty, type Step } from "@pipeline/adapters/testing";
import { PipelineError } from "@pipeline/core";
import { readFolded, readStopped, recordHash, writeReached } from "@pipeline/protocol";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { FoldReport } from "./events.ts";
import {
  append,
  batch,
  byHand,
  DAY_START,
  post,
  POSTS,
  said,
  SETTINGS,
  started,
  world,
} from "./testing/fold.ts";

Deno.test("start() folds from the horizon on, and reports every partition as begun", async () => {
  const ports = await world();
  await append(ports.log, post("p0"), post("p1"), post("p2"));
  const { fold } = await started(ports, { horizon: 2 });
  try {
    assertEquals(fold.folded().find(({ topic }) => topic === POSTS)?.records, 1);
    const all = (await readFolded(ports.store, 1)).map((f) => [f.topic, f.next_offset]);
    assertEquals(Object.fromEntries(all), {
      "reddit.posts": 3,
      "reddit.comments": 0,
      "reddit.users": 0,
    });
  } finally {
    await fold.stop();
  }
});

Deno.test("start() ends where a partition came that the generation has no horizon for", async () => {
  const { fold } = await started(await world(2));
  const error = await assertRejects(() => fold.done, PipelineError, "needs a full generation");
  assertEquals(error.code, "conflict");
  await fold.stop();
});

Deno.test("flush() publishes the folded offset only once all records below it are visible", async () => {
  const ports = await world();
  const steps: string[] = [];
  const step: Step = (name, phase) => {
    if (phase === "before" && name.startsWith("store.")) steps.push(name.replace(/ 1.*/, ""));
    return Promise.resolve();
  };
  const { fold, clock } = await started(faulty(ports, { step }));
  try {
    await append(ports.log, post("p0"));
    await clock.advance(0);
    steps.length = 0;
    await fold.flush();
    const writes = steps.filter((name) => name === "store.write").length;
    assert(writes > 0);
    // The watermark, then the offset in memory.
    assertEquals(steps.slice(writes), ["store.putWatermarks", "store.putControls"]);
    steps.length = 0;
    await fold.flush();
    assertEquals(steps, [], "nothing has changed");
  } finally {
    await fold.stop();
  }
});

for (
  const failing of ["store.write 1 user_activity", "store.putWatermarks 1"]
) {
  Deno.test(`flush() publishes no folded offset if ${failing} fails, and nothing follows it`, async () => {
    const ports = await world();
    let broken = false;
    const step: Step = (name, phase) =>
      broken && phase === "before" && name === failing
        ? Promise.reject(new PipelineError("invalid", "The store refuses"))
        : Promise.resolve();
    const { fold, clock } = await started(faulty(ports, { step }));
    assertEquals(await said(ports), 0);
    await append(ports.log, post("p0"));
    await clock.advance(0);
    broken = true;
    await clock.advance(SETTINGS.flushInterval);
    await assertRejects(() => fold.done, PipelineError, "The store refuses");
    broken = false;
    // The changes that it took from the state are lost: a later flush would lack them.
    await assertRejects(() => fold.flush(), PipelineError, "The store refuses");
    assertEquals(await said(ports), 0);
    await fold.stop({ discard: true });
  });
}

Deno.test("the fold does not wait for the store", async () => {
  const ports = await world();
  const gate = Promise.withResolvers<void>();
  let closed = false;
  const step: Step = (name) =>
    closed && name.startsWith("store.write ") ? gate.promise : Promise.resolve();
  const { fold, clock } = await started(faulty(ports, { step }));
  try {
    closed = true;
    for (const id of ["p0", "p1", "p2"]) {
      await append(ports.log, post(id));
      await clock.advance(0);
      fold.flush();
    }
    assertEquals(fold.folded().find(({ topic }) => topic === POSTS)?.next_offset, 3);
    assertEquals(await said(ports), 0);
  } finally {
    gate.resolve();
    await fold.stop();
  }
  assertEquals(await said(ports), 3);
});

Deno.test("stop() writes what was folded, or discards it on request", async () => {
  for (const discard of [false, true]) {
    const ports = await world();
    const { fold, clock } = await started(ports);
    await append(ports.log, post("p0"));
    await clock.advance(0);
    await fold.stop({ discard });
    await fold.done;
    assertEquals(await said(ports), discard ? 0 : 1);
    assertEquals(clock.sleeping, 0);
  }
});

Deno.test("a record that cannot be admitted is counted, and the fold continues after it", async () => {
  const ports = await world();
  const { fold } = await started(ports);
  await append(ports.log, new TextEncoder().encode("{"), null, post("p0"));
  await fold.stop();
  const folded = (await readFolded(ports.store, 1)).find(({ topic }) => topic === POSTS);
  assertEquals([folded?.next_offset, folded?.records, folded?.dead_letters], [3, 1, 2]);
});

Deno.test("a batch that overlaps what was folded adds its rest, and one that leaves a hole is refused", async () => {
  const ports = await world();
  const { hand, log } = byHand(ports.log);
  const { fold } = await started({ ...ports, log });
  const { start, batch: deliver } = hand.subscriber!;
  await start(POSTS, 0);
  await deliver(batch(0, ["p0", "p1"]));
  await deliver(batch(1, ["p1", "p2"]));
  await deliver(batch(0, ["p0"]));
  const [folded] = fold.folded();
  assertEquals([folded?.next_offset, folded?.records, folded?.duplicates], [3, 3, 0]);
  const error = await assertRejects(() => deliver(batch(5, ["p5"])), PipelineError);
  assertEquals([error.code, error.message], [
    "offset_out_of_range",
    "reddit.posts-0: offsets 3 to 4 were not delivered",
  ]);
  await fold.stop();
});

Deno.test("onFold() reports the oldest record of a batch that was not visible before, and none twice", async () => {
  const ports = await world();
  const told: number[] = [];
  const onFold = ({ appended }: FoldReport) => {
    if (appended !== undefined) told.push(appended - DAY_START);
  };
  const begin = async () => {
    const { hand, log } = byHand(ports.log);
    const { fold } = await started({ ...ports, log }, { onFold });
    await hand.subscriber!.start(POSTS, 0);
    return { fold, deliver: hand.subscriber!.batch };
  };
  const { fold, deliver } = await begin();
  await deliver(batch(0, ["p0"]));
  await deliver(batch(1, ["p1", "p2"]));
  await fold.stop();
  // Another start refolds what this one has published.
  const again = await begin();
  await again.deliver(batch(0, ["p0", "p1", "p2", "p3", "p4"]));
  await again.fold.stop();
  // A third one was told by the store of what the second had in memory, and did not write.
  await writeReached(ports.store, 1, [{ topic: POSTS, partition: 0, next_offset: 8 }]);
  const third = await begin();
  await third.deliver(batch(0, ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"]));
  await third.fold.stop();
  assertEquals(told, [0, 1, 3, 8]);
});

Deno.test("flush() writes a stopped partition to the store once, and removes it once it continues", async () => {
  const ports = await world();
  const { hand, log } = byHand(ports.log);
  let told = 0;
  const step: Step = (name, phase) => {
    if (phase === "before" && name === "store.putControls") told++;
    return Promise.resolve();
  };
  const { fold } = await started({ log, store: faulty(ports, { step }).store });
  hand.stopped = [{ topic: POSTS, partition: 0, offset: 4, reason: "checksum", why: "Damaged" }];
  await fold.flush();
  assertEquals((await readStopped(ports.store, 1)).map(({ why }) => why), ["Damaged"]);
  const before = told;
  await fold.flush();
  assertEquals(told, before);
  hand.stopped = [];
  await fold.flush();
  assertEquals(await readStopped(ports.store, 1), []);
  await fold.stop();
});

Deno.test("start() ends where the record before the horizon is another one", async () => {
  const ports = await world();
  await append(ports.log, post("p0"), post("p1"));
  const last = { [`${POSTS}-0`]: { offset: 0, hash: recordHash({ key: "k", value: post("p9") }) } };
  const { fold } = await started(ports, { horizon: 1, last });
  const error = await assertRejects(() => fold.done, PipelineError, "the topic was recreated");
  assertEquals(error.code, "diverged");
  await fold.stop();
});
