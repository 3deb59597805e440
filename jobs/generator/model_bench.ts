/**
 * The speed of generating records, with the machine's JSON.parse rate of the same records as the
 * yardstick. Each benchmark handles 100,000 records an iteration.
 *
 * @module
 */

import { encodeRecord, RecordLines } from "@pipeline/core";
import { Buffer } from "node:buffer";
import { zstdCompressSync } from "node:zlib";
import { loadArchive } from "./archive/mod.ts";
import { history } from "./historical.ts";
import { Model } from "./model/mod.ts";
import type { MasterDataset } from "@pipeline/core";

const RECORDS = 100_000;
const START = Date.UTC(2026, 0, 1);

const model = new Model({ seed: 1 });
let time = START;

const lines = Array.from({ length: RECORDS }, () => encodeRecord(model.next(time += 100)));
// Parsed again they are flat strings, as for a reader of files.
const texts = JSON.parse(JSON.stringify(lines)) as string[];

Deno.bench("JSON.parse of 100,000 records (yardstick)", { group: "model", baseline: true }, () => {
  for (const text of texts) JSON.parse(text);
});

Deno.bench("Model.next() of 100,000 records", { group: "model" }, () => {
  for (let i = 0; i < RECORDS; i++) model.next(time += 100);
});

Deno.bench("Model.next() and RecordLines.add() of 100,000 records", { group: "model" }, () => {
  const made = new RecordLines();
  for (let i = 0; i < RECORDS; i++) {
    made.add(model.next(time += 100));
    if (made.size > 1e6) made.clear();
  }
});

Deno.bench("history() of two days at scale 1 (105,000 records)", { group: "model" }, () => {
  let count = 0;
  for (const _ of history({ seed: 1, end: START, days: 2 })) count++;
});

const folder = await Deno.makeTempDir();
const archive = `${folder}/RC_2026-01.zst`;
const comments = Array.from({ length: RECORDS }, (_, i) =>
  JSON.stringify({
    id: i.toString(36),
    link_id: "t3_abc",
    author: `user${i % 5_000}`,
    body: "What one says in a comment of average length, and then some more. ".repeat(3),
    subreddit: "pics",
    score: 1,
    created_utc: START / 1000 + Math.floor(i / 10),
    parent_id: "t3_abc",
    retrieved_on: START / 1000,
    gilded: 0,
    distinguished: null,
  }));
await Deno.writeFile(archive, zstdCompressSync(Buffer.from(comments.join("\n"))));
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** A dataset that forgets everything: the loader is measured. */
const nowhere = {
  write: (_: string, content: Uint8Array) => Promise.resolve(content.length),
  remove: () => Promise.resolve(),
  status: () => Promise.resolve(undefined),
} as unknown as MasterDataset;

Deno.bench("loadArchive() of 100,000 comments", { group: "archive" }, async () => {
  await loadArchive(nowhere, archive);
});
