import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { MemoryDataset } from "@pipeline/adapters/testing";
import { DAY, type Entity, isAnnouncement, parseText, PipelineError } from "@pipeline/core";
import { createHash } from "node:crypto";
import {
  generateHistory,
  history,
  historyLoadId,
  type HistoryOptions,
  historySize,
} from "./historical.ts";
import { FOLDERS, hourPath, type LoadManifest } from "./staging.ts";

const END = Date.UTC(2026, 0, 8, 10, 30);
const SMALL: HistoryOptions = { seed: 1, end: END, days: 2, scale: 0.1, users: 300 };

async function content(dataset: MemoryDataset, path: string): Promise<Uint8Array> {
  const parts = await Array.fromAsync(dataset.read(path));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("history() is in order, within its range, and of the announced size", () => {
  let last = END - 2 * DAY;
  let size = 0;
  for (const { timestamp } of history(SMALL)) {
    assert(timestamp >= last && timestamp < END);
    last = timestamp;
    size++;
  }
  assertEquals(size, historySize(SMALL));
  assertEquals(historySize(SMALL), 2 * 5_000 + 300);
});

Deno.test("history() announces every user once, and each before what the user does", () => {
  const announced = new Set<string>();
  let names = 0;
  for (const record of history(SMALL)) {
    if (record.kind === "user" && isAnnouncement(record)) {
      assert(!announced.has(record.user_id));
      announced.add(record.user_id);
    } else {
      assert(announced.has(record.user_id), record.user_id);
      names++;
    }
  }
  assert(announced.size >= 300 && names > 9_000);
});

Deno.test("history() follows the hours of the day", () => {
  const hours = new Array<number>(24).fill(0);
  for (const record of history({ ...SMALL, days: 4, users: 1 })) {
    hours[new Date(record.timestamp).getUTCHours()]!++;
  }
  assert(hours[18]! > 2 * hours[9]!, `18h has ${hours[18]}, 9h has ${hours[9]}`);
  assertLess(Math.max(...hours), 4 * Math.min(...hours));
});

Deno.test("historyLoadId() depends on all that decides the bytes, and on nothing else", () => {
  const ids = [
    SMALL,
    { ...SMALL, seed: 2 },
    { ...SMALL, days: 3 },
    { ...SMALL, scale: 0.2 },
    { ...SMALL, end: END + 1 },
    { ...SMALL, users: 301 },
    { ...SMALL, unknownSubreddit: 1 },
  ].map(historyLoadId);
  assertEquals(new Set(ids).size, ids.length);
  assertEquals(historyLoadId({ ...SMALL, subreddits: 200 }), ids[0]);
});

Deno.test("generateHistory() writes the dataset's layout, and a manifest of it", async () => {
  const dataset = new MemoryDataset();
  const manifest = await generateHistory(dataset, SMALL, { fileBytes: 20_000 });
  const records: Entity[] = [];
  for (const { path, records: count, bytes, sha256 } of manifest.files) {
    const file = await content(dataset, `/staging/${manifest.load}/${path}`);
    assertEquals(file.length, bytes);
    assertEquals(createHash("sha256").update(file).digest("hex"), sha256);
    const lines = new TextDecoder().decode(file).split("\n");
    assertEquals(lines.pop(), "");
    assertEquals(lines.length, count);
    const topic = Object.entries(FOLDERS).find(([, folder]) => path.startsWith(`${folder}/`))!;
    for (const line of lines) {
      const record = parseText(topic[0] as keyof typeof FOLDERS, line);
      assert(path.startsWith(`${topic[1]}/${hourPath(record.timestamp)}/data_`), path);
      records.push(record);
    }
  }
  const { posts, comments, users } = manifest.totals;
  assertEquals(posts + comments + users, historySize(SMALL));
  const byTime = (a: Entity, b: Entity) => a.timestamp - b.timestamp;
  const text = (list: Entity[]) => list.sort(byTime).map((r) => JSON.stringify(r)).sort();
  assertEquals(text(records), text([...history(SMALL)]));
  assert(manifest.files.some(({ path }) => path.endsWith("_0001.json")), "no hour has two files");
});

Deno.test("generateHistory() is the same load when repeated, and starts over when unfinished", async () => {
  const first = new MemoryDataset();
  const manifest = await generateHistory(first, SMALL);
  const progress: number[] = [];
  const again = await generateHistory(first, SMALL, {
    onProgress: ({ done }) => progress.push(done),
  });
  assertEquals(again, JSON.parse(JSON.stringify(manifest)) as LoadManifest);
  assertEquals(progress, [historySize(SMALL)]);

  const second = new MemoryDataset();
  const abort = new AbortController();
  await assertRejects(
    () =>
      generateHistory(second, SMALL, {
        signal: abort.signal,
        onProgress: ({ done, total }) => done > total / 2 && abort.abort(),
      }),
    PipelineError,
    "was stopped",
  );
  assertEquals(await generateHistory(second, SMALL), manifest);
});
