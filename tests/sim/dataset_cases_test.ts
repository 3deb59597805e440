/** Cases of the dataset, by their numbers in the list of failure cases. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SimulatedCrash } from "@pipeline/adapters/testing";
import { hasCode, type LogRange, PipelineError } from "@pipeline/core";
import { verify } from "@pipeline/batch";
import { CommitLog } from "@pipeline/protocol";
import { once, Stage } from "./_stage.ts";

const lost = () => new PipelineError("unavailable", "The answer was lost");

/** A generation is served, and more was ingested since. */
async function served(): Promise<Stage> {
  const stage = new Stage();
  await stage.world.produce(30);
  await stage.restart();
  await stage.drain();
  await stage.do(stage.batch());
  await stage.world.produce(30);
  await stage.drain();
  return stage;
}

/** A file of records that the served generation has not seen. */
async function newFile(stage: Stage): Promise<string> {
  const commits = await new CommitLog(stage.world.ports.dataset).read("reddit.comments", 0);
  return `/data/${commits.commits.at(-1)!.files[0]!.path}`;
}

async function failedRun(stage: Stage): Promise<PipelineError> {
  const error = await stage.do(stage.batch().then(() => undefined, (error) => error));
  assert(error instanceof PipelineError, `The run ended with ${error}`);
  assertEquals(await stage.world.ports.store.current(), 1, "The old generation goes on serving");
  return error;
}

for (const phase of ["before", "after"] as const) {
  Deno.test(`case 21: a rename into the log of commits whose answer is lost ${phase} it is read back`, async () => {
    const stage = new Stage();
    await stage.world.produce(30);
    stage.fate = once(/rename .*\/_commits\//, phase, lost);
    const { process } = await stage.ingest();
    await stage.assertRight();
    assert(!process.dead);
  });
}

Deno.test("case 21: of two writers of one start the loser commits nothing, and continues after the winner", async () => {
  const stage = new Stage();
  await stage.world.produce(30);
  const slow = stage.process("ingest", { alone: true });
  stage.fate = once(/rename .*\/_commits\/reddit\.comments/, "before", ({ owner }) => {
    owner.paused = owner === slow;
    return 1;
  });
  const { job } = await stage.ingest({}, slow);
  await stage.world.produce(1);
  await stage.until(() => slow.paused);
  await stage.world.produce(10);
  await stage.ingest({}, stage.process("ingest", { alone: true }));
  await stage.drain();
  slow.paused = false;
  await stage.world.produce(10);
  const [{ end }] = await stage.world.ports.log.ranges("reddit.comments") as [LogRange];
  const reached = () => job.committed().find(({ topic }) => topic === "reddit.comments")?.offset;
  await stage.until(() => slow.dead || reached() === end);
  assert(!slow.dead, "The loser ended");
  await stage.restart();
  await stage.assertRight();
});

Deno.test("case 21: a folder at the place of a commit stops ingest, and nothing is lost", async () => {
  const stage = new Stage();
  await stage.world.produce(30);
  const path = "/data/_commits/reddit.comments/0/00000000000000000000";
  await stage.world.ports.dataset.mkdirs(path);
  const { job } = await stage.ingest();
  const error = await stage.do(job.done.then(() => undefined, (error) => error));
  assert(error instanceof PipelineError, `It ended with ${error}`);
  await stage.world.ports.dataset.remove(path);
  await stage.restart();
  await stage.assertRight();
});

Deno.test("case 21: a bootstrap whose commit was half written rewrites it whole", async () => {
  const stage = new Stage();
  const { world } = stage;
  await world.produce(5);
  await stage.restart();
  await stage.drain();
  // A commit that lies half written where its writer puts it first.
  const log = new CommitLog(world.ports.dataset);
  const history = { load: "x", files: [], records: 0, token: "t" };
  await world.ports.dataset.write("/data/_tmp/t/commit-history", new Uint8Array([0x7b]));
  assertEquals(await log.publishHistory(history, "/data/_tmp/t/commit-history"), history);
});

for (const bytes of [5, 0]) {
  Deno.test(`case 22: a download that ends after ${bytes} bytes fails the run, never shortens a batch`, async () => {
    const stage = await served();
    const path = await newFile(stage);
    let truncated = 0;
    const error = await stage.do(
      stage.batch(
        {},
        stage.process("batch", {
          between: (ports) => ({
            ...ports,
            dataset: Object.assign(Object.create(ports.dataset), {
              status: (path: string) => ports.dataset.status(path),
              list: (path: string) => ports.dataset.list(path),
              mkdirs: (path: string) => ports.dataset.mkdirs(path),
              write: (path: string, content: Uint8Array) => ports.dataset.write(path, content),
              rename: (from: string, to: string) => ports.dataset.rename(from, to),
              remove: (path: string) => ports.dataset.remove(path),
              async *read(name: string) {
                for await (const chunk of ports.dataset.read(name)) {
                  if (name !== path) yield chunk;
                  else if (++truncated === 1 && bytes > 0) yield chunk.subarray(0, bytes);
                }
              },
            }),
          }),
        }),
      ).then(() => undefined, (error) => error),
    );
    assert(hasCode(error, "corrupt"), `The run ended with ${error}`);
    assert(truncated > 0);
    assertEquals(await stage.world.ports.store.current(), 1);
    await stage.do(stage.batch());
    await stage.assertRight();
  });
}

const DAMAGES: [what: string, change: (content: Uint8Array) => Uint8Array][] = [
  ["lost its last half line", (content) => content.subarray(0, content.length - 7)],
  ["has one bit that is another", (content) => content.with(9, content[9]! ^ 1)],
  ["is empty", () => new Uint8Array()],
  ["has a line twice", (content) => new Uint8Array([...content, ...content])],
];

for (const [what, change] of DAMAGES) {
  Deno.test(`case 26: batch fails loudly on a file that ${what}, and the old generation serves`, async () => {
    const stage = await served();
    const path = await newFile(stage);
    let before = new Uint8Array();
    stage.world.ports.dataset.damage(path, (content) => change(before = content.slice()));
    const error = await failedRun(stage);
    assertEquals(error.code, "corrupt");
    assertStringIncludes(error.message, path);
    await assertRejects(() => verify({ ...stage.world.ports, merged: true }), PipelineError, path);
    stage.world.ports.dataset.damage(path, () => before);
    await stage.do(stage.batch());
    await stage.assertRight();
  });
}

Deno.test("case 26: a file that is gone fails the run too", async () => {
  const stage = await served();
  const path = await newFile(stage);
  await stage.world.ports.dataset.rename(path, "/away");
  const error = await failedRun(stage);
  assertEquals(error.code, "not_found");
  await stage.world.ports.dataset.rename("/away", path);
  await stage.do(stage.batch());
  await stage.assertRight();
});

Deno.test("an upload that breaks off is rewritten whole", async () => {
  const stage = new Stage();
  await stage.world.produce(30);
  let broken = 0;
  stage.fate = ({ step, phase }) =>
    phase === "after" && step.startsWith("dataset.writePart") && ++broken <= 9 ? lost() : undefined;
  await stage.ingest();
  await stage.assertRight();
  assert(broken > 9);
});

Deno.test("a dead writer's temporary files do not disturb the one that follows", async () => {
  const stage = new Stage();
  await stage.world.produce(30);
  stage.fate = once(/writePart .*\/data-/, "after", () => new SimulatedCrash());
  const { process } = await stage.ingest();
  await stage.until(() => process.dead);
  await stage.restart();
  await stage.assertRight();
});
