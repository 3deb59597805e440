/**
 * A process dies at its first I/O step, at its second, and so on to its last, before the
 * step's effect and after it; another one takes over, and nothing may be missing or doubled.
 */

import { assert, assertEquals } from "@std/assert";
import { CommitLog } from "@pipeline/protocol";
import { bootstrap, type Ingest } from "@pipeline/ingest";
import { plan } from "@pipeline/batch";
import { leftovers } from "./_invariants.ts";
import type { Process } from "./_process.ts";
import { seeded } from "./_world.ts";
import { crashAt, once, Stage } from "./_stage.ts";
import { SimulatedCrash } from "@pipeline/adapters/testing";

/** Odd, so that steps are hit before and after; all of them in a long run. */
const SOME = Deno.env.has("SIM_LONG") ? 1 : 3;

/** Lets the victim die at each of its steps in turn, in a world of its own each time. */
async function atEveryStep(
  every: number,
  life: (stage: Stage, dying: (victim: Process) => void) => Promise<void>,
): Promise<number> {
  for (let n = 0;; n += every) {
    const stage = new Stage();
    let died = false;
    const dying = (process: Process) => {
      stage.fate = crashAt(process, n, () => died = true);
    };
    try {
      await seeded(stage.world.random, () => life(stage, dying));
    } catch (cause) {
      throw new Error(`It fails where the process dies at its step ${n}`, { cause });
    }
    if (!died) return n;
  }
}

Deno.test("cases 18 to 20: ingest dies at any step of its flushes, and another one takes over", async () => {
  const steps = await atEveryStep(SOME, async (stage, dying) => {
    const { world } = stage;
    await world.produce(25);
    const process = stage.process("ingest", { chunk: 2 });
    dying(process);
    await stage.ingest({ flush: { records: 6, bytes: 1_000_000, age: 50 } }, process).catch(
      () => {},
    );
    await stage.until(() => process.dead || world.isDrained());
    await stage.restart();
    await world.produce(5);
    await stage.assertRight();
    await stage.do(stage.batch());
    await stage.drain();
    await stage.sweep();
    assertEquals(await leftovers(world), []);
  });
  assert(steps > 100, `It took ${steps} steps`);
});

Deno.test("case 34: batch dies at any step, and the aliases name all old or all new", async () => {
  const steps = await atEveryStep(SOME, async (stage, dying) => {
    const { world } = stage;
    const { store } = world.ports;
    await world.produce(20);
    await stage.restart();
    await stage.drain();
    await stage.do(stage.batch());
    await world.produce(6);
    await stage.drain();
    const process = stage.process("batch", { chunk: 1_000 });
    dying(process);
    const ended = await stage.do(stage.batch({}, process).then(() => true, () => false));
    const current = await store.current();
    assert(current === 1 || current === 2);
    assert(!ended || current === 2);
    await stage.assertRight();
    await stage.pass(4_000);
    await stage.do(stage.batch());
    await stage.assertRight();
    await stage.sweep();
    assertEquals(await leftovers(world), []);
  });
  assert(steps > 100, `It took ${steps} steps`);
});

Deno.test("case 34: a rollback is killed at any step, and is repeated", async () => {
  const steps = await atEveryStep(1, async (stage, dying) => {
    const { world } = stage;
    await world.produce(10);
    await stage.restart();
    await stage.drain();
    await stage.do(stage.batch());
    await world.produce(5);
    await stage.drain();
    await stage.do(stage.batch());
    const process = stage.process("batch");
    dying(process);
    const ended = await stage.do(stage.rollBack(1, process).then(() => true, () => false));
    assert(!ended || await world.ports.store.current() === 1);
    await stage.assertRight();
    await stage.pass(4_000);
    await stage.do(stage.rollBack(1));
    assertEquals(await world.ports.store.current(), 1);
    await stage.assertRight();
    await stage.sweep();
    assertEquals(await leftovers(world), []);
  });
  assert(steps > 20, `It took ${steps} steps`);
});

Deno.test("a bootstrap is killed at any step, and is repeated without adding anything twice", async () => {
  const steps = await atEveryStep(1, async (stage, dying) => {
    const { world } = stage;
    await world.stage("history", Array.from({ length: 12 }, () => world.community.fact()));
    const process = stage.process("bootstrap");
    dying(process);
    await stage.do(bootstrap(process.ports.dataset, "history").catch(() => {}));
    for (const added of [undefined, false]) {
      const again = stage.process("bootstrap");
      const result = await stage.do(bootstrap(again.ports.dataset, "history"));
      if (added !== undefined) assertEquals(result.added, added);
    }
    await stage.restart();
    await stage.do(stage.batch());
    await stage.assertRight();
    await stage.sweep();
    assertEquals(await leftovers(world), []);
  });
  assert(steps > 20, `It took ${steps} steps`);
});

Deno.test("case 18: files of a writer that died before its renames are ignored, and swept later", async () => {
  const stage = new Stage();
  const { dataset } = stage.world.ports;
  await stage.world.produce(20);
  stage.fate = once(/rename .*\/data-/, "before", () => new SimulatedCrash());
  const { process } = await stage.ingest();
  await stage.until(() => process.dead);
  const [writer] = await dataset.list("/data/_tmp");
  assert((await dataset.list(`/data/_tmp/${writer!.name}`)).length > 1);
  assertEquals((await plan(dataset, 1)).days.size, 0);
  await stage.sweep();
  assertEquals((await dataset.list("/data/_tmp")).length, 1, "It might still be committed");
  await stage.restart();
  await stage.drain();
  await stage.sweep();
  assertEquals(await dataset.list("/data/_tmp"), []);
});

Deno.test("case 19: readers ignore half of a range, and the writer repeats it", async () => {
  const stage = new Stage();
  const { dataset } = stage.world.ports;
  await stage.world.produce(30);
  stage.fate = once(/rename .*\/_commits\/reddit\.comments/, "before", () => new SimulatedCrash());
  const { process } = await stage.ingest();
  await stage.until(() => process.dead);
  assert((await dataset.list("/data/comments")).length > 0);
  assertEquals((await plan(dataset, 1)).horizon["reddit.comments"], [0]);
  await stage.restart();
  await stage.assertRight();
});

Deno.test("case 20: a committed range is not rewritten after a crash", async () => {
  const stage = new Stage();
  const { dataset } = stage.world.ports;
  await stage.world.produce(30);
  stage.fate = once(/rename .*\/_commits\/reddit\.comments/, "after", () => new SimulatedCrash());
  const { process } = await stage.ingest();
  await stage.until(() => process.dead);
  const { commits, next } = await new CommitLog(dataset).read("reddit.comments", 0);
  assert(next > 0);
  const written: string[] = [];
  const { job } = await stage.ingest({}, stage.process("ingest"));
  stage.fate = ({ step }) => {
    if (/write .*data-reddit\.comments/.test(step)) written.push(step);
    return undefined;
  };
  await stage.until(() => job.committed().length === 3);
  await stage.drain();
  assertEquals(written, []);
  assertEquals((await new CommitLog(dataset).read("reddit.comments", 0)).commits, commits);
  assertEquals(offsetOf(job, "reddit.comments"), next);
});

function offsetOf(job: Ingest, topic: string): number | undefined {
  return job.committed().find((partition) => partition.topic === topic)?.offset;
}
