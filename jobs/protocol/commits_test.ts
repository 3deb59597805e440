import { openMemory } from "@pipeline/adapters/testing";
import { hasCode, type MasterDataset, PipelineError } from "@pipeline/core";
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import type { Commit } from "./commit.ts";
import { CommitLog } from "./commits.ts";
import { COMMITS } from "./layout.ts";

const TOPIC = "reddit.posts";

function commitAt(start: number, end: number, token = `t${start}`): Commit {
  const hash = String(start).padStart(16, "0");
  return {
    topic: TOPIC,
    partition: 0,
    start,
    end,
    files: [{ path: `posts/f${start}`, records: end - start, bytes: 1, hash }],
    records: end - start,
    dead_letters: [],
    last: { offset: end - 1, hash },
    token,
  };
}

async function fill(log: CommitLog, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at++) {
    await log.publish(commitAt(at * 10, at * 10 + 10), `/data/_tmp/w/commit-${at}`);
  }
}

function starts(commits: readonly Commit[]): number[] {
  return commits.map((commit) => commit.start);
}

Deno.test("publish() gives every start to one writer, and returns its commit to the other", async () => {
  const { dataset } = openMemory();
  const log = new CommitLog(dataset);
  assertEquals((await log.publish(commitAt(0, 10, "a"), "/data/_tmp/a/c")).token, "a");
  assertEquals((await log.publish(commitAt(0, 20, "b"), "/data/_tmp/b/c")).token, "a");
  assertEquals((await log.read(TOPIC, 0)).next, 10);
});

Deno.test("read() refuses commits that leave a gap", async () => {
  const { dataset } = openMemory();
  const log = new CommitLog(dataset);
  await fill(log, 0, 5);
  await dataset.remove(`${COMMITS}/${TOPIC}/0/${"20".padStart(20, "0")}`);
  await assertRejects(() => log.read(TOPIC, 0), PipelineError, "do not join");
});

Deno.test("checkpoint() changes nothing that readers see", async () => {
  const { dataset } = openMemory();
  const log = new CommitLog(dataset);
  await fill(log, 0, 40);
  const before = await log.read(TOPIC, 0);
  await log.checkpoint(TOPIC, 0, 300, 1);
  assertEquals(await log.read(TOPIC, 0), before);
  assertEquals(starts((await log.read(TOPIC, 0, 250)).commits), starts(before.commits.slice(25)));
  assertEquals(starts((await log.read(TOPIC, 0, 350)).commits), [350, 360, 370, 380, 390]);
  assertEquals((await dataset.list(`${COMMITS}/${TOPIC}/0`)).length, 10);
  await log.checkpoint(TOPIC, 0, 400, 1);
  assertEquals(await log.read(TOPIC, 0), before);
  assertEquals((await log.last(TOPIC, 0))?.start, 390);
  assertEquals((await dataset.list(`${COMMITS}/${TOPIC}/0`)).length, 0);
});

Deno.test("checkpoint() leaves few commits alone", async () => {
  const { dataset } = openMemory();
  const log = new CommitLog(dataset);
  await fill(log, 0, 15);
  await log.checkpoint(TOPIC, 0, 150);
  assertEquals((await dataset.list(`${COMMITS}/${TOPIC}/0`)).length, 15);
});

Deno.test("the number of checkpoints grows with the logarithm of the commits", async () => {
  const { dataset } = openMemory();
  const log = new CommitLog(dataset);
  for (let at = 0; at < 200; at++) {
    await fill(log, at, at + 1);
    await log.checkpoint(TOPIC, 0, Infinity, 1);
  }
  const kept = await dataset.list(`${COMMITS}/checkpoints/${TOPIC}/0`);
  assertLess(kept.length, 9);
  assertEquals((await log.read(TOPIC, 0)).commits.length, 200);
});

Deno.test("a late writer whose place was compacted loses, and leaves nothing", async () => {
  const { dataset } = openMemory();
  const log = new CommitLog(dataset);
  await fill(log, 0, 20);
  await log.checkpoint(TOPIC, 0, 200, 1);
  const won = await log.publish(commitAt(50, 500, "zombie"), "/data/_tmp/z/c");
  assertEquals(won.token, "t50");
  assertEquals(await dataset.list(`${COMMITS}/${TOPIC}/0`), []);
  assertEquals((await log.read(TOPIC, 0)).next, 200);
});

Deno.test("a writer whose commit was compacted before it read it back has won", async () => {
  const { dataset } = openMemory();
  const log = new CommitLog(dataset);
  await fill(log, 0, 20);
  await log.checkpoint(TOPIC, 0, 200, 1);
  assertEquals((await log.publish(commitAt(50, 60), "/data/_tmp/w/again")).token, "t50");
  await log.checkpoint(TOPIC, 0, 200, 1);
  assertEquals((await log.read(TOPIC, 0)).commits.length, 20);
});

Deno.test("checkpoint() may break off at any step: readers see every commit, and it can be repeated", async () => {
  for (let crash = 0, broke = true; broke; crash++) {
    const { dataset } = openMemory();
    const log = new CommitLog(dataset);
    await fill(log, 0, 6);
    await log.checkpoint(TOPIC, 0, 60, 1);
    await fill(log, 6, 20);
    const before = await log.read(TOPIC, 0);
    broke = await breaksOff(dataset, crash);
    assertEquals(await log.read(TOPIC, 0), before, `after ${crash} steps`);
    await log.checkpoint(TOPIC, 0, 200, 1);
    assertEquals(await log.read(TOPIC, 0), before);
    assert(crash < 200);
  }
});

/** Runs a checkpoint whose dataset fails permanently at a step. Returns whether it got there. */
async function breaksOff(dataset: MasterDataset, at: number): Promise<boolean> {
  let step = 0;
  const breaking = new Proxy(dataset, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (step++ >= at) throw new PipelineError("stopped", "Crashed");
        return value.apply(target, args);
      };
    },
  });
  try {
    await new CommitLog(breaking).checkpoint(TOPIC, 0, 200, 1);
    return false;
  } catch (error) {
    assert(hasCode(error, "stopped"), String(error));
    return true;
  }
}
