/** Cases of batch and of the switch, by their numbers in the list of failure cases. */

import { assert, assertEquals } from "@std/assert";
import { hasCode, PipelineError } from "@pipeline/core";
import { runBatch } from "@pipeline/batch";
import { readManifests } from "@pipeline/protocol";
import { leftovers } from "./_invariants.ts";
import { BATCH, once, Stage } from "./_stage.ts";

async function served(): Promise<Stage> {
  const stage = new Stage();
  await stage.world.produce(30);
  await stage.restart();
  await stage.drain();
  await stage.do(stage.batch());
  await stage.world.produce(20);
  await stage.drain();
  return stage;
}

async function outcome(stage: Stage, work: Promise<unknown>): Promise<unknown> {
  return await stage.do(work.then(() => "done", (error) => error));
}

Deno.test("case 35: of two concurrent runs one wins by the lock, and the other reports it", async () => {
  const stage = await served();
  const [a, b] = [stage.batch(), stage.batch()].map((run) => outcomeOf(run));
  const outcomes = await stage.do(Promise.all([a, b]));
  assertEquals(outcomes.filter((result) => result === "done").length, 1);
  assert(outcomes.some((result) => hasCode(result, "conflict")));
  assertEquals(await stage.world.ports.store.current(), 2);
  await stage.assertRight();
});

const outcomeOf = (run: Promise<unknown>) => run.then(() => "done", (error) => error);

Deno.test("case 35: the input of a run is frozen, whatever ingestion adds meanwhile", async () => {
  const stage = await served();
  await stage.world.produce(10);
  // What is written into the new generation comes after the input was chosen.
  stage.fate = once(/store\.write 2 /, "before", () => {
    stage.world.produce(60);
    return undefined;
  });
  const { manifest } = await stage.do(stage.batch());
  await stage.drain();
  const { log } = stage.world.ports;
  const end = (await log.ranges("reddit.comments"))[0]!.end;
  assert(manifest.horizon["reddit.comments"][0]! < end);
  await stage.assertRight();
});

/** Steps at which a run is paused until its lease is over and another one has finished. */
const PAUSES = [
  /putControl generation/,
  /putControl claimed/,
  /rename .*_state\/manifests/,
  /createGeneration/,
  /store\.write \d+ top_posts/,
  /store\.seal/,
  /store\.switchTo/,
  /dropGeneration/,
];

for (const step of PAUSES) {
  for (const phase of ["before", "after"] as const) {
    Deno.test(`case 35: a run that sleeps ${phase} ${step.source} cannot harm the one that follows`, async () => {
      const stage = await served();
      const late = stage.process("batch");
      let paused = false;
      stage.fate = (turn) => {
        if (paused || turn.owner !== late) return undefined;
        if (turn.phase !== phase || !step.test(turn.step)) return undefined;
        paused = late.paused = true;
        return 1;
      };
      const first = outcomeOf(stage.batch({}, late));
      let over = false;
      first.then(() => over = true);
      await stage.until(() => over || late.paused);
      await stage.pass(BATCH.lockLease + 1);
      await stage.world.produce(10);
      await stage.drain();
      const { generation } = await stage.do(stage.batch());
      assert(
        generation > 2 || step.source.includes("claimed"),
        `Generation ${generation} was taken twice`,
      );
      late.paused = false;
      await stage.do(first);
      assertEquals(await stage.world.ports.store.current(), generation);
      await stage.assertRight();
      const next = await stage.do(stage.batch());
      await stage.assertRight();
      await stage.sweep();
      assertEquals(await leftovers(stage.world), []);
      assertEquals(next.previous, generation);
    });
  }
}

Deno.test("a run survives that any one of its answers is lost", async () => {
  for (const phase of ["before", "after"] as const) {
    for (let n = 0, lost = true; lost; n += 9) {
      const stage = await served();
      const run = stage.process("batch");
      let left = n;
      lost = false;
      stage.fate = (turn) => {
        if (turn.owner !== run || turn.phase !== phase || left-- !== 0) return undefined;
        lost = true;
        return unavailable(turn.step);
      };
      const result = await outcome(stage, stage.batch({}, run));
      assertEquals(result, "done", `Step ${n}, ${phase}: ${stage.world.scheduler.trail.at(-1)}`);
      await stage.assertRight();
    }
  }
});

function unavailable(step: string): Error {
  return new PipelineError("unavailable", `${step} did not answer`);
}

Deno.test("a generation that speed does not catch up with leaves the old one serving", async () => {
  const stage = await served();
  const { store, dataset } = stage.world.ports;
  for (const process of stage.services()) process.paused = true;
  const process = stage.process("batch");
  const settings = { ...BATCH, catchUpTimeout: 1_000 };
  const result = await outcome(stage, runBatch({ ...process, store, dataset, settings }));
  assert(hasCode(result, "unavailable"), `${result}`);
  assertEquals(await store.current(), 1);
  const states = (await readManifests(store)).map(({ manifest }) => manifest.state);
  assertEquals(states, ["live", "failed"]);
  for (const process of stage.services()) process.paused = false;
  const { generation } = await stage.do(stage.batch());
  assertEquals(generation, 3);
  await stage.assertRight();
});
