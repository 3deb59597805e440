/** Cases of the running jobs, by their numbers in the list of failure cases. */

import { assert, assertEquals } from "@std/assert";
import type { LogBatch } from "@pipeline/core";
import type { Ports } from "@pipeline/adapters/testing";
import { CommitLog, readFolded, readManifest } from "@pipeline/protocol";
import { answers } from "./_invariants.ts";
import { Stage } from "./_stage.ts";

const HOUR = 3_600_000;

async function served(): Promise<Stage> {
  const stage = new Stage();
  await stage.world.produce(30);
  await stage.restart();
  await stage.drain();
  await stage.do(stage.batch());
  await stage.drain();
  return stage;
}

async function shown(stage: Stage) {
  const { store } = stage.world.ports;
  const { manifest } = (await readManifest(store, (await store.current())!))!;
  return { horizon: manifest.horizon, answers: await answers(stage.world, manifest) };
}

/** Counts the records that a job was handed and has not answered for. */
function counting(ports: Ports, count: { delivered: number }): Ports {
  return {
    ...ports,
    log: {
      ensureTopics: (...given) => ports.log.ensureTopics(...given),
      ranges: (topic) => ports.log.ranges(topic),
      marks: (group, topic) => ports.log.marks(group, topic),
      producer: () => ports.log.producer(),
      read: (topic, partition, from, to) => ports.log.read(topic, partition, from, to),
      close: () => ports.log.close(),
      subscribe: (subscription) =>
        ports.log.subscribe({
          ...subscription,
          batch: (batch: LogBatch) => {
            count.delivered += batch.records.length;
            return subscription.batch(batch);
          },
        }),
    },
  };
}

Deno.test("case 38: ingest that is stopped in mid-flush commits what it has read, then ends", async () => {
  const stage = new Stage();
  await stage.world.produce(60);
  let flushing = false;
  stage.fate = ({ step, phase }) => {
    if (phase === "before" && /write .*data-/.test(step)) flushing = true;
    return undefined;
  };
  const { job } = await stage.ingest();
  await stage.until(() => flushing);
  await stage.do(job.stop());
  await job.done;
  await stage.assertRight();
});

Deno.test("case 38: speed that is stopped in mid-flush writes what it has folded, then ends", async () => {
  const stage = await served();
  const { store } = stage.world.ports;
  for (const process of stage.services()) if (process.kind === "speed") process.kill();
  let flushing = false;
  stage.fate = ({ step, phase }) => {
    if (phase === "before" && /store\.write .*user_activity/.test(step)) flushing = true;
    return undefined;
  };
  const { job } = stage.speed();
  await stage.world.produce(60);
  await stage.until(() => flushing);
  const folded = [...job.folds.values()].flatMap((fold) => fold.folded());
  await stage.do(job.stop());
  await job.done;
  const written = await readFolded(store, (await store.current())!);
  for (const { topic, partition, next_offset: next } of folded) {
    const found = written.find((f) => f.topic === topic && f.partition === partition);
    assert((found?.next_offset ?? -1) >= next, `${topic}-${partition} is written to ${next}`);
  }
  stage.fate = () => undefined;
  stage.speed();
  await stage.assertRight();
});

Deno.test("case 40: restarted exactly at the horizon, speed serves the same answers as before", async () => {
  const stage = await served();
  const before = await shown(stage);
  await stage.restart();
  await stage.pass(500);
  await stage.assertRight();
  assertEquals(await shown(stage), before);
  await stage.world.produce(40);
  await stage.drain();
  const more = await shown(stage);
  await stage.restart();
  await stage.pass(500);
  await stage.assertRight();
  assertEquals(await shown(stage), more);
});

Deno.test("case 47: a burst while the store stalls is folded all the same, and written afterwards", async () => {
  const stage = await served();
  for (const process of stage.services()) process.kill();
  const count = { delivered: 0 };
  let stalled = true;
  stage.fate = ({ step, phase }) =>
    stalled && phase === "before" && step.startsWith("store.write") ? 100 : undefined;
  const between = (ports: Ports) => counting(ports, count);
  stage.speed({}, stage.process("speed", { maxRecords: 20, between }));
  await stage.world.produce(5_000);
  await stage.until(() => count.delivered >= 5_000);
  stalled = false;
  await stage.restart();
  await stage.assertRight();
});

Deno.test("case 47: a burst while the dataset stalls reaches ingest only up to its bound", async () => {
  const stage = new Stage();
  const count = { delivered: 0 };
  let stalled = true;
  stage.fate = ({ step, phase }) =>
    stalled && phase === "before" && step.startsWith("dataset.write ") ? 100 : undefined;
  const between = (ports: Ports) => counting(ports, count);
  await stage.ingest(
    { flush: { records: 100, bytes: 1_000_000, age: 1_000_000 } },
    stage.process("ingest", { maxRecords: 20, between }),
  );
  await stage.world.produce(5_000);
  await stage.until(() => count.delivered >= 100);
  await stage.pass(5_000);
  // Each of the three partitions up to its flush.
  assert(count.delivered >= 100 && count.delivered <= 3 * (100 + 20), `${count.delivered}`);
  stalled = false;
  await stage.restart();
  await stage.assertRight();
});

Deno.test("case 48: a clock that steps an hour forward and back leaves horizon and merge as they are", async () => {
  const outcomes = [];
  for (const steps of [[0, 0, 0], [1, -1, 0], [-1, 1, -1]]) {
    const stage = new Stage();
    const { world } = stage;
    // The same records whatever the clock says.
    const items = Array.from({ length: 90 }, () => world.community.next());
    await stage.restart();
    for (const [i, step] of steps.entries()) {
      await world.send(items.slice(30 * i, 30 * i + 30));
      world.scheduler.skew = step * HOUR;
      await stage.drain();
      await stage.do(stage.batch());
      await stage.assertRight();
    }
    const commits = new CommitLog(world.ports.dataset);
    const { next } = await commits.read("reddit.comments", 0);
    assert(next > 0);
    outcomes.push({ next, ...await shown(stage) });
  }
  assertEquals(outcomes[1], outcomes[0]);
  assertEquals(outcomes[2], outcomes[0]);
});
