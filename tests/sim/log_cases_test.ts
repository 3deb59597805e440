/** Cases of the log, by their numbers in the list of failure cases. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Entity, parseTime, PipelineError } from "@pipeline/core";
import { CommitLog, readManifest } from "@pipeline/protocol";
import { type Item, itemOf } from "./_community.ts";
import { answers } from "./_invariants.ts";
import { Stage } from "./_stage.ts";

const HOUR = 3_600_000;
const bytes = (text: string) => new TextEncoder().encode(text);

function post(id: string, created: number, more: Partial<Entity> = {}): Entity {
  return {
    kind: "post",
    post_id: id,
    user_id: "u1",
    subreddit: "deno",
    title: "t",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: created,
    timestamp: created,
    ...more,
  } as Entity;
}

async function failure(stage: Stage, done: Promise<void>): Promise<PipelineError> {
  const error = await stage.do(done.then(() => undefined, (error) => error));
  assert(error instanceof PipelineError, `It ended with ${error}`);
  return error;
}

/** A world with a generation that is served, and everything committed and folded. */
async function served(options = {}): Promise<Stage> {
  const stage = new Stage(options);
  await stage.world.produce(60);
  await stage.restart();
  await stage.drain();
  await stage.do(stage.batch());
  await stage.drain();
  return stage;
}

Deno.test("case 9: ingest names the range that the log has lost, and writes nothing beyond it", async () => {
  const stage = new Stage();
  await stage.world.produce(60);
  const { log, dataset } = stage.world.ports;
  const { process } = await stage.ingest();
  await stage.drain();
  process.kill();
  const { next } = await new CommitLog(dataset).read("reddit.comments", 0);
  await stage.world.produce(60);
  log.truncate("reddit.comments", 0, next + 3);
  const { job } = await stage.ingest();
  const error = await failure(stage, job.done);
  assertEquals(error.code, "offset_out_of_range");
  assertStringIncludes(error.message, `reddit.comments-0: offsets ${next} to ${next + 2}`);
  assertEquals((await new CommitLog(dataset).read("reddit.comments", 0)).next, next);
});

Deno.test("case 9: a running ingest stops when the log loses what it has not read", async () => {
  const stage = new Stage();
  const { process, job } = await stage.ingest({}, stage.process("ingest", { maxRecords: 1 }));
  await stage.until(() => job.committed().length === 3);
  process.paused = true;
  await stage.world.produce(60);
  stage.world.ports.log.truncate("reddit.posts", 0, 3);
  process.paused = false;
  const error = await failure(stage, job.done);
  assertEquals(error.code, "offset_out_of_range");
  assertMatch(error.message, /1 to 3 .* of reddit\.posts-0 are gone/);
});

Deno.test("case 9: speed stops when the log loses what lies beyond the horizon", async () => {
  const stage = await served();
  const { generation, manifest } = await stage.do(stage.batch());
  await stage.world.produce(60);
  await stage.drain();
  const horizon = manifest.horizon["reddit.comments"][0]!;
  stage.world.ports.log.truncate("reddit.comments", 0, horizon + 1);
  const { job } = stage.speed({}, stage.process("speed", { alone: true }));
  const error = await failure(stage, job.done);
  assertEquals(error.code, "offset_out_of_range");
  assertMatch(error.message, /are gone/);
  assertEquals(await stage.world.ports.store.current(), generation);
});

for (const records of [1, 80]) {
  Deno.test(`case 10: ingest stops when a topic was recreated with ${records} records`, async () => {
    const stage = new Stage();
    const { process } = await stage.ingest();
    await stage.world.produce(40);
    await stage.drain();
    process.kill();
    const { log } = stage.world.ports;
    const before = await new CommitLog(stage.world.ports.dataset).read("reddit.posts", 0);
    log.recreate("reddit.posts");
    const producer = await log.producer();
    const items = Array.from({ length: records }, (_, i) => itemOf(post(`new${i}`, i)));
    await producer.send(items);
    const { job } = await stage.ingest();
    const error = await failure(stage, job.done);
    assertEquals(error.code, "diverged");
    assertMatch(error.message, /reddit\.posts-0: .*recreated/);
    const after = await new CommitLog(stage.world.ports.dataset).read("reddit.posts", 0);
    assertEquals(after, before);
  });
}

for (const records of [1, 80]) {
  Deno.test(`case 10: speed stops when a topic was recreated with ${records} records`, async () => {
    const stage = await served();
    const { generation, manifest } = await stage.do(stage.batch());
    const horizon = manifest.horizon["reddit.posts"][0]!;
    assert(horizon > 1 && horizon < 80, `the horizon is at ${horizon}`);
    const { log, store } = stage.world.ports;
    log.recreate("reddit.posts");
    const producer = await log.producer();
    const anew = Array.from({ length: records }, (_, i) => itemOf(post(`new${i}`, i)));
    await producer.send(anew.map((item) => ({ ...item, partition: 0 })));
    const { job } = stage.speed({}, stage.process("speed", { alone: true }));
    const error = await failure(stage, job.done);
    assertEquals(error.code, "diverged");
    assertMatch(error.message, /reddit\.posts-0: .*recreated/);
    assertEquals(await store.current(), generation);
  });
}

const NOW = Date.UTC(2026, 2, 14, 23, 50);
const GOOD = JSON.parse(new TextDecoder().decode(itemOf(post("p", NOW)).value!));
const POISON: [kind: string, value: Uint8Array | null, reason: RegExp][] = [
  ["bad JSON", bytes("{"), /not JSON/],
  ["a wrong type", bytes(JSON.stringify({ ...GOOD, score: "seven" })), /"score" is "seven"/],
  ["a missing id", bytes(JSON.stringify({ ...GOOD, post_id: undefined })), /"post_id" is missing/],
  ["a tombstone", null, /tombstone/],
  ["invalid UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), /not UTF-8/],
  ["an integer over 2^53", bytes(JSON.stringify({ ...GOOD, score: 2 ** 53 })), /"score" is 9007/],
];

for (const [kind, value, reason] of POISON) {
  Deno.test(`case 12: ${kind} is a dead letter before its offset is done`, async () => {
    const stage = new Stage();
    const { log } = stage.world.ports;
    let letters: number | undefined;
    stage.fate = ({ step, phase }) => {
      if (phase === "before" && /rename .*\/_commits\/reddit\.posts\/0\//.test(step)) {
        log.ranges("reddit.dlq").then(([range]) => letters = range!.end);
      }
      return undefined;
    };
    await stage.ingest();
    const items: Item[] = [
      itemOf(post("before", NOW)),
      { topic: "reddit.posts", key: "k", value },
      itemOf(post("after", NOW)),
    ];
    await stage.world.send(items);
    await stage.assertRight();
    assertEquals(letters, 1);
    for await (const batch of log.read("reddit.dlq", 0, 0, 1)) {
      const letter = JSON.parse(new TextDecoder().decode(batch.records[0]!.value!));
      assertEquals([letter.topic, letter.partition, letter.offset], ["reddit.posts", 0, 1]);
      assertMatch(letter.reason, reason);
    }
  });
}

Deno.test("case 13: a record that is delivered twice, out of order and days late counts once, in its hour", async () => {
  const stage = await served({ partitions: 2 });
  const { scheduler } = stage.world;
  await stage.world.produce(300);
  stage.world.redelivery = 0.5;
  const late = [3, 1, 2].map((days) => itemOf(post(`late${days}`, NOW - days * 24 * HOUR)));
  await stage.world.send([...late, ...late]);
  await stage.restart();
  const until = scheduler.elapsed + 1_000;
  await stage.until(() => scheduler.elapsed > until);
  stage.world.redelivery = 0;
  await stage.assertRight();
  const commits = new CommitLog(stage.world.ports.dataset);
  const { commits: first } = await commits.read("reddit.posts", 0);
  const { commits: second } = await commits.read("reddit.posts", 1);
  const paths = [...first, ...second].flatMap((c) => c.files.map((file) => file.path));
  for (const day of [11, 12, 13]) {
    assert(paths.some((path) => path.includes(`month=03/day=${day}/hour=23`)), `${day}`);
  }
});

Deno.test("case 14: the verdict over an event time follows from the log's own time, at every refold", async () => {
  const stage = await served();
  const { log } = stage.world.ports;
  const letters = async () => (await log.ranges("reddit.dlq"))[0]!.end;
  const before = await letters();
  const wrong = [NOW + 25 * HOUR, NOW * 1000].map((timestamp) => {
    const { value } = itemOf(post("early", NOW));
    const wire = { ...JSON.parse(new TextDecoder().decode(value!)), timestamp };
    return { topic: "reddit.posts" as const, key: "early", value: bytes(JSON.stringify(wire)) };
  });
  const seconds = itemOf(post("seconds", NOW), "seconds");
  assertEquals(parseTime(NOW / 1000), NOW);
  await stage.world.send([...wrong, seconds, itemOf(post("ahead", NOW + 23 * HOUR))]);
  // Two days later the same records are judged as they were.
  stage.world.scheduler.skew = 48 * HOUR;
  await stage.restart();
  await stage.assertRight();
  assertEquals(await letters(), before + 2);
  await stage.do(stage.batch());
  stage.world.scheduler.skew = -48 * HOUR;
  await stage.restart();
  await stage.assertRight();
});

Deno.test("case 42: names such as __proto__ are counted like any other", async () => {
  const stage = await served();
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  for (const when of ["in speed", "in batch"]) {
    await stage.world.send(names.flatMap((name, i) => [
      itemOf(post(`${name} ${when}`, NOW, { user_id: name, subreddit: name } as Partial<Entity>)),
      itemOf(post(`${i} ${when}`, NOW, { user_id: `u${i}`, subreddit: name } as Partial<Entity>)),
    ]));
    await stage.assertRight();
    await stage.do(stage.batch());
  }
  await stage.assertRight();
  const { store } = stage.world.ports;
  const { manifest } = (await readManifest(store, (await store.current())!))!;
  const found = await answers(stage.world, manifest);
  for (const name of names.map((name) => name.toLowerCase())) {
    const day = found.get(`activity 1d ${NOW - NOW % (24 * HOUR)} ${name}`);
    assert(JSON.parse(day!).posts >= 4, `${name}: ${day}`);
    assert(JSON.parse(found.get(`user total ${name}`)!).posts >= 2);
  }
});
