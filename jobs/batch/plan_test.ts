import { type MemoryDataset, openMemory } from "@pipeline/adapters/testing";
import { DAY, hashBytes, offsetVector, PipelineError } from "@pipeline/core";
import { CommitLog, TEMPORARY } from "@pipeline/protocol";
import { assertEquals, assertRejects } from "@std/assert";
import { type Plan, plan, plannedRecords } from "./plan.ts";
import { comment, commitRecords, post, START } from "./testing/dataset.ts";

/** Three flushes of posts on three days, the last of them with a late post, and one of comments. */
async function opened(): Promise<MemoryDataset> {
  const { dataset } = openMemory();
  await commitRecords(dataset, 0, [post("p0", START)]);
  await commitRecords(dataset, 1, [post("p1", START + DAY)]);
  await commitRecords(dataset, 2, [post("p2", START + 2 * DAY), post("late", START)]);
  await commitRecords(dataset, 0, [comment("c0", START)]);
  return dataset;
}

/** Commits a historical load of one file in the first day. */
async function addLoad(dataset: MemoryDataset, load: string): Promise<void> {
  const bytes = new TextEncoder().encode("{}\n");
  const path = `posts/year=2026/month=03/day=01/hour=05/data_${load}_0.json`;
  await dataset.write(`/data/${path}`, bytes);
  const files = [{ path, records: 1, bytes: bytes.length, hash: hashBytes(bytes) }];
  const commit = { load, files, records: 1, token: load };
  await new CommitLog(dataset).publishHistory(commit, `${TEMPORARY}/${load}/commit`);
}

/** Files of each day, counted from the first one. */
const days = ({ days }: Plan) =>
  Object.fromEntries([...days].map(([day, files]) => [(day - START) / DAY, files.length]));

Deno.test("plan() takes everything that is committed, by day of event time", async () => {
  const dataset = await opened();
  const planned = await plan(dataset, 1);
  assertEquals(planned.horizon, {
    "reddit.posts": [4],
    "reddit.comments": [1],
    "reddit.users": [0],
  });
  assertEquals(days(planned), { 0: 3, 1: 1, 2: 1 });
  assertEquals(plannedRecords(planned), 5);
  assertEquals(Object.entries(planned.last).map(([name, { offset }]) => [name, offset]), [
    ["reddit.posts-0", 3],
    ["reddit.comments-0", 0],
  ]);
});

Deno.test("plan() takes of a dataset only what the state that it builds upon has not seen", async () => {
  const dataset = await opened();
  await addLoad(dataset, "b");
  const base = await plan(dataset, 1);
  assertEquals(plannedRecords(await plan(dataset, 1, { base })), 0);
  await commitRecords(dataset, 4, [post("later", START + DAY)]);
  await addLoad(dataset, "a");
  const planned = await plan(dataset, 1, { base });
  assertEquals([days(planned), planned.history], [{ 0: 1, 1: 1 }, ["a", "b"]]);
  assertEquals(planned.horizon["reddit.posts"], [5]);
  // A partition without a later commit keeps its offset, and the record before it.
  assertEquals(planned.horizon["reddit.comments"], [1]);
  assertEquals(planned.last["reddit.comments-0"], base.last["reddit.comments-0"]);
});

Deno.test("plan() goes no further than requested, by offsets and by loads", async () => {
  const dataset = await opened();
  const horizon = offsetVector(1, (topic) => topic === "reddit.posts" ? 2 : 0);
  await addLoad(dataset, "a");
  await addLoad(dataset, "b");
  const planned = await plan(dataset, 1, { until: { horizon, history: ["a"] } });
  assertEquals([planned.horizon, planned.history], [horizon, ["a"]]);
  assertEquals(days(planned), { 0: 2, 1: 1 });
});

Deno.test("plan() refuses commits that do not begin where the state before them ends", async () => {
  const dataset = await opened();
  await dataset.remove(`/data/_commits/reddit.posts/0/${"0".repeat(20)}`);
  const error = await assertRejects(() => plan(dataset, 1), PipelineError);
  assertEquals([error.code, error.message], [
    "corrupt",
    "The commits of reddit.posts-0 begin at 1 instead of 0",
  ]);
});

Deno.test("plan() refuses a commit that names a file in no hour", async () => {
  const { dataset } = openMemory();
  const file = { path: "posts/data.json", records: 1, bytes: 1, hash: "0".repeat(16) };
  await commitRecords(dataset, 0, [post("p0", START)], { files: [file] });
  const error = await assertRejects(() => plan(dataset, 1), PipelineError, "posts/data.json");
  assertEquals(error.code, "corrupt");
});
