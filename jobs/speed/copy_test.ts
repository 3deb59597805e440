import { faulty, openMemory, type Step } from "@pipeline/adapters/testing";
import type { ViewName } from "@pipeline/core";
import { readFolded } from "@pipeline/protocol";
import { emptyManifest } from "@pipeline/protocol/testing";
import { TestClock } from "@pipeline/runtime";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Copy } from "./copy.ts";
import type { FlushReport } from "./events.ts";
import { Pace } from "./pace.ts";
import { PartitionFold } from "./partition_fold.ts";
import { batch, POSTS } from "./testing/fold.ts";
import { Turns } from "./turns.ts";

const MOST = 100;

interface Write {
  readonly at: number;
  readonly view: ViewName;
  readonly documents: number;
}

/** A copy of a fold of the posts, which `fold` continues. */
async function world(step: Step = () => Promise.resolve()) {
  const ports = openMemory({ refresh: "manual" });
  const { store } = faulty(ports, { step });
  await ports.store.createGeneration(1);
  const clock = new TestClock();
  const posts = new PartitionFold(POSTS, 0, 0, emptyManifest());
  posts.assign({ stored: -1, reached: 0 });
  const writes: Write[] = [];
  const flushes: FlushReport[] = [];
  const losses: number[] = [];
  const copy = new Copy({
    store,
    generation: 1,
    pace: new Pace(MOST, clock),
    clock,
    folds: () => [posts],
    onWrite: ({ view, documents }) => writes.push({ at: clock.monotonic(), view, documents }),
    onFlush: (flush) => flushes.push(flush),
    onLoss: ({ generation }) => losses.push(generation),
  });
  const fold = (...ids: readonly string[]) => posts.fold(batch(posts.next, ids), new Turns());
  const watermark = async () => (await readFolded(ports.store, 1))[0]?.next_offset;
  const stored = async (view: ViewName = "top_posts") => {
    const query = { order: "id", limit: 10_000 } as const;
    return (await ports.store.search(1, view, query)).documents;
  };
  return { ports, clock, posts, copy, writes, flushes, losses, fold, watermark, stored };
}

const many = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);

Deno.test("Copy writes no more documents in any second than it may, activity first and users last", async () => {
  const { clock, copy, writes, flushes, fold, watermark, stored } = await world();
  await fold(...many(300));
  await clock.run(copy.pass());
  const total = writes.reduce((sum, { documents }) => sum + documents, 0);
  assert(total > 300);
  for (const { at } of writes) {
    const second = writes.filter((write) => write.at >= at && write.at < at + 1_000);
    assert(second.reduce((sum, { documents }) => sum + documents, 0) <= MOST);
  }
  const views = writes.map(({ view }) => view).filter((view, i, all) => view !== all[i - 1]);
  assertEquals(views, ["subreddit_activity", "top_posts", "user_activity"]);
  assertEquals([await watermark(), (await stored()).length], [300, 300]);
  assert(flushes[0]!.took > 3_000, `${flushes[0]!.took}`);
});

Deno.test("Copy publishes the horizon at once, and the offset at which a pass began at its end", async () => {
  const { clock, copy, fold, watermark, stored } = await world();
  await fold(...many(100));
  const pass = copy.pass();
  await clock.advance(300);
  assertEquals(await watermark(), 0);
  // What is folded meanwhile is in later documents, at the version that they have then.
  await fold("p99", "q");
  await clock.run(pass);
  assertEquals(await watermark(), 100);
  const versions = new Map((await stored()).map(({ id, version }) => [id.split("|")[3], version]));
  assertEquals([versions.get("p99"), versions.get("q")], [102, undefined]);
  await clock.run(copy.pass());
  assertEquals(await watermark(), 102);
  assertEquals((await stored()).length, 101);
});

Deno.test("flush() makes haste with the pass under way, and with the next one", async () => {
  const { clock, copy, fold, watermark, stored } = await world();
  await fold(...many(200));
  const pass = copy.pass();
  await clock.advance(300);
  await fold("q");
  await copy.flush();
  await pass;
  assertEquals([clock.monotonic(), await watermark(), (await stored()).length], [300, 201, 201]);
  assertEquals(clock.sleeping, 0);
});

Deno.test("abandon() ends a pass without a watermark, and leaves what it did not write to another copy", async () => {
  const { ports, clock, posts, copy, fold, watermark, stored } = await world();
  await fold(...many(200));
  const pass = copy.pass();
  await clock.advance(1_500);
  copy.abandon();
  await pass;
  await copy.pass();
  assertEquals([await watermark(), copy.failed], [0, false]);
  await ports.store.refresh(1);
  const written = (await stored()).length;
  assert(written > 0 && written < 200, `${written}`);
  assert(posts.oldest !== undefined);
  const other = new Copy({
    store: ports.store,
    generation: 1,
    pace: new Pace(1_000_000),
    clock,
    folds: () => [posts],
  });
  await other.flush();
  assertEquals([await watermark(), (await stored()).length], [200, 200]);
});

Deno.test("Copy writes nothing of a partition that is frozen, or that the store is ahead of", async () => {
  const { copy, posts, fold, writes, watermark } = await world();
  await fold("p0");
  posts.frozen = true;
  await copy.flush();
  assertEquals([writes, await watermark()], [[], undefined]);
  posts.assign({ stored: 2, reached: 2 });
  await copy.flush();
  assertEquals([writes, await watermark()], [[], undefined]);
  await fold("p1", "p2");
  await copy.flush();
  assertEquals(await watermark(), 3);
});

Deno.test("Copies share a pace by their shares, and one alone has all of it", async () => {
  const { store } = openMemory({ refresh: "manual" });
  const clock = new TestClock();
  const pace = new Pace(MOST, clock);
  const written = [0, 0];
  const copies = await Promise.all([1, 1 / 3].map(async (share, i) => {
    await store.createGeneration(i + 1);
    const posts = new PartitionFold(POSTS, 0, 0, emptyManifest());
    posts.assign({ stored: -1, reached: 0 });
    await posts.fold(batch(0, many(2_000)), new Turns());
    const onWrite = ({ documents }: { readonly documents: number }) =>
      void (written[i]! += documents);
    const folds = () => [posts];
    const generation = i + 1;
    return new Copy({ store, generation, pace, clock, folds, onWrite, share: () => share });
  }));
  const passes = copies.map((copy) => copy.pass());
  await clock.advance(10_000);
  const [served, other] = written as [number, number];
  assert(other > 0 && served > 2.5 * other && served < 4 * other, `${served} and ${other}`);
  assert(served + other > 8.5 * MOST, `${served} and ${other}`);
  copies[0]!.abandon();
  await clock.advance(10_000);
  assert(written[1]! - other > 8.5 * MOST, `${written[1]! - other}`);
  for (const copy of copies) copy.abandon();
  await Promise.all(passes);
});

Deno.test("Copy makes no other pass after one that failed", async () => {
  let broken = false;
  const { copy, fold, watermark } = await world((name) =>
    broken && name.startsWith("store.write 1") ? Promise.reject(new Error("No")) : Promise.resolve()
  );
  await fold("p0");
  broken = true;
  await assertRejects(() => copy.pass(), Error, "No");
  broken = false;
  await fold("p1");
  await assertRejects(() => copy.pass(), Error, "No");
  assertEquals([copy.failed, await watermark()], [true, 0]);
});

Deno.test("Copy writes everything again once the store may have lost documents, and then the watermark", async () => {
  const { ports, copy, posts, fold, watermark, stored, losses } = await world();
  await fold(...many(20));
  await copy.flush();
  assertEquals([await watermark(), (await stored()).length], [20, 20]);
  ports.store.lose(1);
  assertEquals([await watermark(), (await stored()).length], [undefined, 0]);
  await fold("q");
  // The first pass learns it at its end, and the second one writes everything.
  await copy.flush();
  assertEquals([losses, await watermark()], [[1], undefined]);
  assert(posts.oldest !== undefined);
  await copy.flush();
  assertEquals([await watermark(), (await stored()).length], [21, 21]);
  assertEquals((await stored("user_activity")).length, 2);
  const versions = (await stored()).map(({ version }) => version);
  assertEquals(new Set(versions), new Set([21]));
  await copy.flush();
  assertEquals(losses, [1]);
});

Deno.test("Copy writes again what is idle, and leaves what is frozen", async () => {
  const { ports, copy, posts, fold, watermark } = await world();
  await fold("p0");
  await copy.flush();
  assertEquals(posts.stored, 1);
  ports.store.lose(1);
  const other = new PartitionFold(POSTS, 1, 0, emptyManifest());
  const both = new Copy({
    store: ports.store,
    generation: 1,
    pace: new Pace(1_000_000),
    clock: new TestClock(),
    folds: () => [posts, other],
  });
  await other.fold({ ...batch(0, ["q"]), partition: 1 }, new Turns());
  await both.flush();
  assertEquals([posts.stored, other.stored, await watermark()], [-1, -1, undefined]);
  posts.frozen = true;
  await both.flush();
  assertEquals([posts.stored, other.stored], [-1, 1]);
  posts.frozen = false;
  await both.flush();
  assertEquals([posts.stored, await watermark()], [1, 1]);
});
