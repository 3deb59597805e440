import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { MemoryDataset } from "@pipeline/adapters/testing";
import type { MasterDataset } from "@pipeline/core";
import { parseText, PipelineError } from "@pipeline/core";
import { Buffer } from "node:buffer";
import { zstdCompressSync } from "node:zlib";
import { archiveLoadId, loadArchive, type RejectedLine } from "./load.ts";

const HOUR = 3_600;
const START = Date.UTC(2012, 3, 1) / 1000;

function comment(number: number, time = START + number): string {
  return JSON.stringify({
    id: number.toString(36),
    link_id: "t3_abc",
    author: `user${number % 50}`,
    body: `Comment number ${number}. `.repeat(8),
    subreddit: "pics",
    score: 1,
    created_utc: String(time),
    subreddit_id: "t5_2qh0u",
    retrieved_on: 1428204302,
  });
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function text(dataset: MasterDataset, path: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync(dataset.read(path))).toString();
}

Deno.test("loadArchive() writes each record into the folder of its hour", () =>
  inFolder(async (folder) => {
    const path = `${folder}/RC_2012-04.zst`;
    const content = Array.from({ length: 500 }, (_, i) => `${comment(i, START + 60 * i)}\n`).join(
      "",
    );
    await Deno.writeFile(path, zstdCompressSync(Buffer.from(content)));
    const dataset = new MemoryDataset();
    const progress: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      void progress.push(done / total);
    const manifest = await loadArchive(dataset, path, { onProgress });
    assertEquals(manifest.totals.comments, 500);
    assertEquals([manifest.from, manifest.to], [
      "2012-04-01T00:00:00.000Z",
      "2012-04-01T08:19:00.000Z",
    ]);
    assertEquals(manifest.files.length, 9);
    assertEquals(progress.at(-1), 1);
    for (const [hour, file] of manifest.files.entries()) {
      assert(file.path.startsWith(`comments/year=2012/month=04/day=01/hour=0${hour}/data_`));
      const lines = (await text(dataset, `/staging/${manifest.load}/${file.path}`)).split("\n");
      assertEquals(lines.length - 1, file.records);
      for (const line of lines.slice(0, -1)) {
        const { timestamp } = parseText("reddit.comments", line);
        assertEquals(Math.floor((timestamp / 1000 - START) / HOUR), hour);
      }
    }
  }));

Deno.test("loadArchive() keeps the lines it cannot use, and reports them", () =>
  inFolder(async (folder) => {
    const path = `${folder}/mixed`;
    const lines = [comment(1), "not json", "", comment(2), '{"id":"9","body":"no link"}', "\r"];
    await Deno.writeTextFile(path, lines.join("\r\n"));
    const dataset = new MemoryDataset();
    const reported: RejectedLine[] = [];
    const onRejected = (line: RejectedLine) => void reported.push(line);
    const manifest = await loadArchive(dataset, path, { onRejected });
    assertEquals(manifest.totals.comments, 2);
    assertEquals(reported.map(({ line }) => line), [2, 5]);
    assertEquals(manifest.rejected, { lines: 2, files: ["_rejected_000.json"] });
    const kept = (await text(dataset, `/staging/${manifest.load}/_rejected_000.json`)).trimEnd();
    assertEquals(kept.split("\n").map((line) => JSON.parse(line)), reported);
  }));

Deno.test("loadArchive() is the same load for the same content, under any name", () =>
  inFolder(async (folder) => {
    const content = Array.from({ length: 50 }, (_, i) => comment(i)).join("\n");
    await Deno.writeTextFile(`${folder}/one`, content);
    await Deno.writeTextFile(`${folder}/two`, content);
    await Deno.writeTextFile(`${folder}/three`, content.replace("number 7", "number 8"));
    const dataset = new MemoryDataset();
    const manifest = await loadArchive(dataset, `${folder}/one`);
    assertEquals(manifest.load, await archiveLoadId(`${folder}/two`));
    assertEquals(await loadArchive(dataset, `${folder}/two`), manifest);
    assert(manifest.load !== await archiveLoadId(`${folder}/three`));
  }));

Deno.test("loadArchive() names the file where it cannot go on, and leaves no manifest", () =>
  inFolder(async (folder) => {
    const path = `${folder}/RC_cut.zst`;
    const content = Array.from({ length: 500 }, (_, i) => comment(i)).join("\n");
    await Deno.writeFile(path, zstdCompressSync(Buffer.from(content)).subarray(0, -9));
    const dataset = new MemoryDataset();
    const error = await assertRejects(() => loadArchive(dataset, path), PipelineError, path);
    assertEquals(error.code, "invalid");
    const load = await archiveLoadId(path);
    assertEquals(await dataset.status(`/staging/${load}/_manifest.json`), undefined);

    await Deno.writeTextFile(path, "hello\n");
    await assertRejects(() => loadArchive(dataset, path), PipelineError, "line 1: The line is not");
  }));

Deno.test("loadArchive() makes a load without records of an archive without lines", () =>
  inFolder(async (folder) => {
    const empty = ["", "\n", "\ufeff", "\ufeff\r\n \t\n\n"].map((text) => Buffer.from(text));
    const path = `${folder}/RC_empty`;
    for (const content of [...empty, ...empty.map((text) => zstdCompressSync(text))]) {
      await Deno.writeFile(path, content);
      const dataset = new MemoryDataset();
      const manifest = await loadArchive(dataset, path);
      assertEquals(manifest.files, []);
      assertEquals(manifest.totals, { posts: 0, comments: 0, users: 0, bytes: 0 });
      assertEquals([manifest.from, manifest.rejected], [undefined, undefined]);
      assert(await dataset.status(`/staging/${manifest.load}/_manifest.json`) !== undefined);
    }
  }));

Deno.test("loadArchive() has few files open and many hours, in no order", () =>
  inFolder(async (folder) => {
    const path = `${folder}/scattered`;
    const lines = Array.from(
      { length: 6_000 },
      (_, i) => comment(i, START + i * 7919 % 2_000 * HOUR),
    );
    await Deno.writeTextFile(path, lines.join("\n"));
    const inner = new MemoryDataset();
    let [open, most] = [0, 0];
    const dataset = Object.create(inner) as MasterDataset;
    dataset.write = async (at, content) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 0));
      const written = await inner.write(at, content);
      open--;
      return written;
    };
    dataset.status = (at) => inner.status(at);
    dataset.remove = (at) => inner.remove(at);
    dataset.rename = (from, to) => inner.rename(from, to);
    const manifest = await loadArchive(dataset, path, { heldBytes: 300_000, concurrency: 3 });
    assertEquals(manifest.totals.comments, 6_000);
    assertLess(most, 5);
    const hours = new Set(manifest.files.map((file) => file.path.split("/data_")[0]));
    assertEquals(hours.size, 2_000);
    assert(manifest.files.length > 2_000, "nothing was written early");
  }));

const SAMPLES = Deno.env.get("REDDIT_ARCHIVES");

Deno.test("loadArchive() loads the real samples in $REDDIT_ARCHIVES without a refusal", {
  ignore: SAMPLES === undefined,
}, async () => {
  for await (const { name } of Deno.readDir(SAMPLES!)) {
    if (!name.endsWith(".zst")) continue;
    const manifest = await loadArchive(new MemoryDataset(), `${SAMPLES}/${name}`);
    assertEquals(manifest.rejected, undefined);
  }
});
