import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type LogRecord, PipelineError } from "@pipeline/core";
import { EmbeddedLog, type EmbeddedLogOptions } from "./mod.ts";

const value = (n: number) => new TextEncoder().encode(`value ${n} `.repeat(20));

async function withLog(
  body: (
    open: (options?: EmbeddedLogOptions) => EmbeddedLog,
    partition: string,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const logs: EmbeddedLog[] = [];
  try {
    await body((options) => {
      const log = new EmbeddedLog(folder, options);
      logs.push(log);
      return log;
    }, `${folder}/t/0`);
  } finally {
    for (const log of logs) await log.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Appends records `from` to `to`, one per send. */
async function append(log: EmbeddedLog, from: number, to: number): Promise<void> {
  await log.ensureTopics([{ topic: "t", partitions: 1 }]);
  const producer = await log.producer();
  for (let n = from; n < to; n++) {
    await producer.send([{ topic: "t", key: `${n}`, value: value(n) }]);
  }
}

async function records(log: EmbeddedLog, from = 0): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  const [range] = await log.ranges("t");
  for await (const batch of log.read("t", 0, from, range!.end)) all.push(...batch.records);
  return all;
}

/** Names of the partition's segment files. */
function segments(partition: string): string[] {
  return [...Deno.readDirSync(partition)].map((entry) => entry.name)
    .filter((name) => name.endsWith(".log")).sort();
}

async function refused(work: () => unknown): Promise<PipelineError> {
  try {
    await work();
  } catch (error) {
    assert(error instanceof PipelineError, String(error));
    return error;
  }
  throw new Error("Nothing was thrown");
}

Deno.test("EmbeddedLog cuts a torn tail off, wherever it was torn", () =>
  withLog(async (open, partition) => {
    const log = open();
    await append(log, 0, 4);
    await log.close();
    const file = `${partition}/${segments(partition)[0]}`;
    const whole = Deno.readFileSync(file);
    const frame = whole.length / 4;
    for (let cut = 1; cut <= frame; cut += 7) {
      Deno.writeFileSync(file, whole.subarray(0, whole.length - cut));
      const again = open();
      assertEquals((await records(again)).map((r) => r.key), ["0", "1", "2"]);
      await append(again, 33, 34);
      assertEquals((await records(again)).map((r) => r.key), ["0", "1", "2", "33"]);
      await again.close();
    }
    Deno.writeFileSync(file, new Uint8Array([...whole, ...new Uint8Array(5_000)]));
    assertEquals((await records(open())).length, 4, "zeros are a tail of a power cut");
  }));

Deno.test("EmbeddedLog refuses to open where an acknowledged record is damaged", () =>
  withLog(async (open, partition) => {
    const log = open();
    await append(log, 0, 4);
    await log.close();
    const file = `${partition}/${segments(partition)[0]}`;
    const whole = Deno.readFileSync(file);
    const frame = whole.length / 4;
    // In the key, in the value, in the checksum, and in the length (also to beyond the end).
    for (const place of [29, 40, 5, 0, 2, 3]) {
      const damaged = whole.slice();
      damaged[frame + place]! ^= 0x41;
      Deno.writeFileSync(file, damaged);
      const error = await refused(() => open());
      assertEquals(error.code, "corrupt", `byte ${place}`);
      assertStringIncludes(error.message, "Offset 1 is damaged");
      assertStringIncludes(error.message, file);
    }
  }));

Deno.test("EmbeddedLog reads damage in an older segment as corrupt, not as less", () =>
  withLog(async (open, partition) => {
    const log = open({ segmentBytes: 1_000 });
    await append(log, 0, 30);
    assert(segments(partition).length > 3);
    await log.close();
    const file = `${partition}/${segments(partition)[1]}`;
    const whole = Deno.readFileSync(file);
    Deno.writeFileSync(file, whole.subarray(0, whole.length - 10));
    assertEquals((await refused(() => records(open()))).code, "corrupt");
    const flipped = whole.slice();
    flipped[60]! ^= 1;
    Deno.writeFileSync(file, flipped);
    assertEquals((await refused(() => records(open()))).code, "corrupt");
  }));

Deno.test("EmbeddedLog reads from any offset across segments, also after it is reopened", () =>
  withLog(async (open, partition) => {
    const log = open({ segmentBytes: 5_000 });
    await append(log, 0, 200);
    assert(segments(partition).length > 5);
    for (const each of [log, open({ readOnly: true })]) {
      for (const from of [0, 1, 17, 100, 199]) {
        const read = await records(each, from);
        assertEquals(read.map((r) => r.offset), [...Array(200 - from).keys()].map((i) => i + from));
        assert(read.every((r) => r.value!.every((byte, i) => byte === value(r.offset)[i])));
      }
    }
  }));

Deno.test("EmbeddedLog truncates whole segments and remembers where it begins", () =>
  withLog(async (open, partition) => {
    const log = open({ segmentBytes: 1_000 });
    await append(log, 0, 30);
    const before = segments(partition).length;
    log.truncate("t", 0, 14);
    assert(segments(partition).length < before);
    assertEquals((await records(log, 14)).map((r) => r.offset)[0], 14);
    await log.close();
    const again = open({ segmentBytes: 1_000 });
    assertEquals(await again.ranges("t"), [{ partition: 0, earliest: 14, end: 30 }]);
    again.truncate("t", 0, 30);
    await append(again, 30, 31);
    assertEquals((await records(again, 30)).map((r) => r.key), ["30"]);
    assertEquals((await refused(() => records(again, 29))).code, "offset_out_of_range");
  }));

Deno.test("EmbeddedLog never lets timestamps decrease, whatever the clock does", () =>
  withLog(async (open) => {
    let now = 1_000;
    const log = open({ clock: () => now });
    await append(log, 0, 1);
    now = 400;
    await append(log, 1, 2);
    await log.close();
    const again = open({ clock: () => now });
    await append(again, 2, 3);
    now = 2_000;
    await append(again, 3, 4);
    assertEquals((await records(again)).map((r) => r.timestamp), [1_000, 1_000, 1_000, 2_000]);
  }));

Deno.test("EmbeddedLog opened for reading follows what the owner appends and deletes", () =>
  withLog(async (open) => {
    const owner = open({ segmentBytes: 1_000 });
    const reader = open({ readOnly: true });
    assertEquals((await refused(() => reader.ranges("t"))).code, "not_found");
    for (let n = 0; n < 40; n += 8) {
      await append(owner, n, n + 8);
      assertEquals(await reader.ranges("t"), [{ partition: 0, earliest: 0, end: n + 8 }]);
      assertEquals((await records(reader)).length, n + 8);
    }
    owner.truncate("t", 0, 20);
    assertEquals(await reader.ranges("t"), [{ partition: 0, earliest: 20, end: 40 }]);
    assertEquals((await records(reader, 20)).length, 20);
  }));

Deno.test("EmbeddedLog delivers at once: a round trip takes no polling interval", () =>
  withLog(async (open) => {
    const log = open();
    await append(log, 0, 1);
    const producer = await log.producer();
    let next = Promise.withResolvers<void>();
    const consumer = await log.subscribe({
      group: "g",
      topics: ["t"],
      start: () => Promise.resolve(1),
      batch: () => Promise.resolve(next.resolve()),
    });
    const started = performance.now();
    for (let n = 0; n < 200; n++) {
      await producer.send([{ topic: "t", key: "k", value: value(n) }]);
      await next.promise;
      next = Promise.withResolvers();
    }
    const each = (performance.now() - started) / 200;
    assert(each < 10, `${each} ms a record`);
    await consumer.stop();
  }));

Deno.test("EmbeddedLog keeps timers alive while it is appended to without a pause", () =>
  withLog(async (open) => {
    const log = open();
    await append(log, 0, 1);
    const producer = await log.producer();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const end = performance.now() + 200;
    while (performance.now() < end) await producer.send([{ topic: "t", key: "k", value: null }]);
    clearInterval(timer);
    assert(ticks > 5, `${ticks} ticks in 200 ms`);
  }));
