import { assert, assertEquals } from "@std/assert";
import { MemoryEventLog } from "@pipeline/adapters/testing";
import { TOPICS } from "@pipeline/core";
import { TestClock } from "@pipeline/runtime";
import type { DeliveredBatch } from "../delivery.ts";
import { ArchiveReplay, type ReplayOptions } from "./replay.ts";

const START = Date.UTC(2012, 3, 1) / 1000;

const submission = (n: number) =>
  JSON.stringify({ id: `s${n}`, title: "T", subreddit: "pics", created_utc: START + n });

const comment = (n: number) =>
  JSON.stringify({ id: `c${n}`, link_id: "s0", body: "B", created_utc: START + n });

/** Replays two files with a record every two seconds each, and one invalid line. */
async function replay(options: Omit<ReplayOptions, "files">) {
  const folder = await Deno.makeTempDir();
  try {
    const even = Array.from({ length: 300 }, (_, i) => submission(2 * i));
    const odd = Array.from({ length: 300 }, (_, i) => comment(2 * i + 1));
    await Deno.writeTextFile(`${folder}/RS`, even.join("\n"));
    await Deno.writeTextFile(`${folder}/RC`, ["broken", ...odd].join("\n"));
    const clock = new TestClock();
    const log = new MemoryEventLog({ clock: () => clock.now() });
    await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 3 })));
    const batches: DeliveredBatch[] = [];
    const started = clock.now();
    const files = [`${folder}/RS`, `${folder}/RC`];
    const onDelivered = (batch: DeliveredBatch) => void batches.push(batch);
    const run = new ArchiveReplay(log, { ...options, files }, { clock, onDelivered });
    const status = await clock.run(run.run());
    return { status, batches, started, took: clock.now() - started };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ArchiveReplay merges files by time and sends them at the speed asked for", async () => {
  const { status, batches, started, took } = await replay({ speed: 60 });
  assertEquals([status.produced, status.acknowledged, status.rejected], [600, 600, 1]);
  assertEquals(status.position, (START + 599) * 1000);
  assert(took > 599_000 / 60 - 1 && took < 599_000 / 60 + 50, `${took} ms`);
  const records = batches.flatMap((batch) => batch.records);
  for (const [i, { id, scheduled }] of records.entries()) {
    assertEquals(id, i % 2 === 0 ? `t3_s${i}` : `t1_c${i}`);
    assertEquals(Math.round(scheduled - started), Math.round(i * 1000 / 60));
  }
});

Deno.test("ArchiveReplay goes as fast as the log takes it at infinite speed", async () => {
  const { status, took } = await replay({ speed: Infinity });
  assertEquals(status.acknowledged, 600);
  assert(took < 20, `${took} ms`);
});

Deno.test("ArchiveReplay names the files without lines", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = ["RS_none", "RS_blank", "RS_one"].map((name) => `${folder}/${name}`);
    await Deno.writeTextFile(files[0]!, "");
    await Deno.writeTextFile(files[1]!, "\ufeff\n \n");
    await Deno.writeTextFile(files[2]!, submission(1));
    const log = new MemoryEventLog({ clock: () => START * 1000 });
    await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: 3 })));
    const empty: string[] = [];
    const onEmpty = (file: string) => void empty.push(file);
    const run = new ArchiveReplay(log, { files, speed: Infinity }, { onEmpty });
    assertEquals((await run.run()).acknowledged, 1);
    assertEquals(empty, files.slice(0, 2));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
