import {
  faulty,
  type MemoryPorts,
  openMemory,
  type Ports,
  type Step,
} from "@pipeline/adapters/testing";
import {
  DEAD_LETTER_TOPIC,
  encodeRecord,
  hasCode,
  type LogBatch,
  PipelineError,
} from "@pipeline/core";
import { CommitLog, readAll, TEMPORARY } from "@pipeline/protocol";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PartitionWriter } from "./partition_writer.ts";

const TOPIC = "reddit.posts";
const HOUR = 3_600_000;
const START = Date.UTC(2026, 2, 1);

/**
 * A record of a post that is this many hours old at `START`; `undefined` gives one that is not
 * JSON.
 */
function record(offset: number, hours: number | undefined) {
  const time = START - (hours ?? 0) * HOUR;
  const value = hours === undefined ? "{" : encodeRecord({
    kind: "post",
    post_id: `p${offset}`,
    user_id: "ann",
    subreddit: "sub",
    title: "",
    content: "",
    score: 1,
    num_comments: 0,
    created_utc: time,
    timestamp: time,
  });
  return { offset, key: "k", value: new TextEncoder().encode(value), timestamp: START };
}

/** Consecutive records with these ages in hours. */
function batch(startOffset: number, ...hours: readonly (number | undefined)[]): LogBatch {
  const nextOffset = startOffset + hours.length;
  const records = hours.map((age, i) => record(startOffset + i, age));
  return { topic: TOPIC, partition: 0, startOffset, nextOffset, records };
}

async function opened(): Promise<MemoryPorts> {
  const ports = openMemory();
  await ports.log.ensureTopics([{ topic: DEAD_LETTER_TOPIC, partitions: 1 }]);
  return ports;
}

async function writerOn(
  { log, dataset }: Pick<Ports, "log" | "dataset">,
  token = "t",
): Promise<PartitionWriter> {
  return new PartitionWriter({
    dataset,
    deadLetters: await log.producer(),
    topic: TOPIC,
    partition: 0,
    next: 0,
    last: null,
    maxFuture: 0,
    token: token.repeat(32),
    retry: { policy: { base: 1, max: 1, attempts: 1 } },
  });
}

const commitsOf = async ({ dataset }: Pick<MemoryPorts, "dataset">) =>
  (await new CommitLog(dataset).read(TOPIC, 0)).commits;

Deno.test("flush() makes a file for each hour of event time, and names it by the offsets", async () => {
  const ports = await opened();
  const writer = await writerOn(ports);
  writer.add(batch(0, 0, 1, 0));
  const { commit, ours } = (await writer.flush())!;
  assert(ours);
  const range = "data_0_00000000000000000000-00000000000000000003.json";
  assertEquals(commit.files.map(({ path, records }) => [path, records]), [
    [`posts/year=2026/month=03/day=01/hour=00/${range}`, 2],
    [`posts/year=2026/month=02/day=28/hour=23/${range}`, 1],
  ]);
  assertEquals([commit.start, commit.end, commit.last?.offset], [0, 3, 2]);
  assertEquals(await ports.dataset.list(`${TEMPORARY}/${commit.token}`), []);
});

Deno.test("flush() commits offsets without a record, too: dead letters and gaps", async () => {
  const ports = await opened();
  const writer = await writerOn(ports);
  assertEquals(await writer.flush(), undefined, "nothing was taken");
  writer.add(batch(0, undefined, undefined));
  const { commit } = (await writer.flush())!;
  assertEquals([commit.end, commit.records, commit.files, commit.dead_letters], [2, 0, [], [0, 1]]);
  // The rest of a transaction: the last record stays the previous one.
  writer.add({ ...batch(2), nextOffset: 4 });
  const { commit: gap } = (await writer.flush())!;
  assertEquals([gap.start, gap.end, gap.last], [2, 4, commit.last]);
});

Deno.test("add() skips records that were taken before, and refuses a batch that leaves a hole", async () => {
  const writer = await writerOn(await opened());
  writer.add(batch(0, 0, 0));
  writer.add(batch(1, 0, 0));
  writer.add(batch(0, 0));
  assertEquals([writer.next, writer.committed, writer.pending.records], [3, 0, 3]);
  const error = assertThrows(() => writer.add(batch(4, 0)), PipelineError);
  assertEquals(error.code, "offset_out_of_range");
  assertEquals((await writer.flush())?.commit.records, 3);
});

Deno.test("flush() writes nothing to the dataset before dead letters are durable", async () => {
  const ports = await opened();
  let down = true;
  const step: Step = (name) =>
    down && name === "log.send"
      ? Promise.reject(new PipelineError("unavailable", "The log is away"))
      : Promise.resolve();
  const { log, dataset } = faulty(ports, { step });
  const writer = await writerOn({ log, dataset });
  writer.add(batch(0, 0, undefined));
  await assertRejects(() => writer.flush(), PipelineError, "The log is away");
  assertEquals(await ports.dataset.list("/"), []);
  down = false;
  assertEquals((await writer.flush())?.commit.dead_letters, [1]);
});

Deno.test("flush() makes one commit where any one step before failed, or its answer was lost", async () => {
  const steps: [name: string, phase: string][] = [];
  /** Flushes with a failure at the n-th step, and once more if that failed. */
  const flushed = async (failing: number) => {
    const ports = await opened();
    let n = 0;
    const step: Step = (name, phase) => {
      if (!name.startsWith("dataset.")) return Promise.resolve();
      if (failing < 0) steps.push([name, phase]);
      return n++ === failing
        ? Promise.reject(new PipelineError("unavailable", "The dataset is away"))
        : Promise.resolve();
    };
    const { dataset } = faulty(ports, { step });
    const writer = await writerOn({ ...ports, dataset });
    writer.add(batch(0, 0, 1, undefined));
    let tries = 1;
    const outcome = await writer.flush().catch((error) => {
      assert(hasCode(error, "unavailable"), String(error));
      tries++;
      return writer.flush();
    });
    const commits = await commitsOf(ports);
    for (const file of commits.flatMap(({ files }) => files)) {
      assertEquals((await readAll(ports.dataset, `/data/${file.path}`)).length, file.bytes);
    }
    const temporary = await ports.dataset.list(`${TEMPORARY}/${"t".repeat(32)}`);
    const left = temporary.filter(({ name }) => name.startsWith("data-")).length;
    return { commits, ours: outcome?.ours, next: writer.committed, tries, left };
  };
  const whole = await flushed(-1);
  assertEquals([whole.commits.length, whole.ours, whole.next], [1, true, 3]);
  assert(steps.length > 20, `${steps.length} steps`);
  let again = 0;
  for (const [n, [name, phase]] of steps.entries()) {
    const { tries, left, ...outcome } = await flushed(n);
    assertEquals({ ...outcome, tries: 1, left: 0 }, whole, `${phase} ${name}`);
    again += tries - 1;
    if (name.startsWith("dataset.rename") && phase === "after") assertEquals(tries, 1, name);
    // Files placed before are found, and not written a second time.
    if (name.includes("/_commits/")) assertEquals(left, 0, name);
  }
  assert(again > 10, `only ${again} failures were felt`);
});

Deno.test("flush() gives way to another writer's commit of the same start, and continues where that ends", async () => {
  const ports = await opened();
  const [first, second] = [await writerOn(ports, "a"), await writerOn(ports, "b")];
  first.add(batch(0, 0, 0));
  second.add(batch(0, 0, 0, 0));
  await first.flush();
  const { commit, ours } = (await second.flush())!;
  assertEquals([ours, commit.end, commit.token], [false, 2, "a".repeat(32)]);
  assertEquals([second.committed, second.next, second.pending.records], [2, 2, 0]);
  second.add(batch(2, 0));
  assertEquals((await second.flush())?.ours, true);
  assertEquals((await commitsOf(ports)).map(({ end }) => end), [2, 3]);
});

Deno.test("flush() does not commit a file that stands there with another content", async () => {
  const ports = await opened();
  const writer = await writerOn(ports);
  writer.add(batch(0, 0));
  const range = "data_0_00000000000000000000-00000000000000000001.json";
  const path = `/data/posts/year=2026/month=03/day=01/hour=00/${range}`;
  await ports.dataset.write(path, new Uint8Array(3));
  const error = await assertRejects(() => writer.flush(), PipelineError, "another content");
  assertEquals(error.code, "corrupt");
  assertEquals(await commitsOf(ports), []);
});

/** Writes records that are not JSON; the log accepts dead letters up to this size. */
async function letters(values: Uint8Array[], maxRecordBytes: number, key = "k") {
  const { log, dataset } = openMemory({ maxRecordBytes });
  await log.ensureTopics([{ topic: DEAD_LETTER_TOPIC, partitions: 1 }]);
  const writer = await writerOn({ log, dataset });
  const records = values.map((value, offset) => ({ offset, key, value, timestamp: 7 }));
  const nextOffset = values.length;
  writer.add({ topic: TOPIC, partition: 0, startOffset: 0, nextOffset, records });
  await writer.flush();
  assertEquals(
    await new CommitLog(dataset).last(TOPIC, 0).then((c) => c?.end),
    nextOffset,
  );
  const [range] = await log.ranges(DEAD_LETTER_TOPIC);
  const batches = await Array.fromAsync(log.read(DEAD_LETTER_TOPIC, 0, 0, range!.end));
  return batches.flatMap((batch) => batch.records)
    .map(({ value }) => JSON.parse(new TextDecoder().decode(value!)));
}

Deno.test("flush() cuts dead letters that are larger than the log accepts, and states so in them", async () => {
  const [large, small] = [new Uint8Array(800_000).fill(120), new Uint8Array(9).fill(120)];
  const [whole] = await letters([large], 2_000_000);
  assertEquals([whole.value.length, whole.value_bytes], [1_066_668, undefined]);
  // As large as the log accepts; in base64 it is larger.
  const [cut, beside] = await letters([large, small], 900_000);
  assertEquals(cut.value, large.subarray(0, 65_536).toBase64());
  assertEquals([cut.offset, cut.value_bytes], [0, 800_000]);
  assertEquals([beside.offset, beside.value, beside.value_bytes], [1, small.toBase64(), undefined]);
  const [short] = await letters([large], 10_000, "k".repeat(9_000));
  assertEquals([short.value, short.key.length], [large.subarray(0, 1_024).toBase64(), 1_024]);
});

Deno.test("flush() fails where the log takes no dead letter at all", async () => {
  await assertRejects(() => letters([new Uint8Array(9)], 20), Error, "20 are allowed");
});
