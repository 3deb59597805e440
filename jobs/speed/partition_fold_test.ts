import { type LogBatch, type ViewDocument, VIEWS, ViewState } from "@pipeline/core";
import { emptyManifest } from "@pipeline/protocol/testing";
import { assert, assertEquals } from "@std/assert";
import { PartitionFold } from "./partition_fold.ts";
import { batch, POSTS } from "./testing/fold.ts";
import { Turns } from "./turns.ts";

const PART = `${POSTS}-0`;
const MANIFEST = emptyManifest();

/** Every document that a fold has, as an answer. */
const EVERYTHING = VIEWS.map((view) => ({ view, query: { order: "id", limit: 10_000 } } as const));

/** The documents of the records of a batch below an offset. */
function expected({ records }: LogBatch, next: number): ViewDocument[] {
  const state = new ViewState(MANIFEST.settings);
  for (const record of records) if (record.offset < next) state.admit(POSTS, record);
  return [...state.documents(PART)];
}

const sorted = (documents: readonly unknown[]) =>
  documents.map((document) => JSON.stringify(document)).sort();

/** Turns that are over after every look at the clock. */
function shortTurns(between: () => void): Turns {
  let now = 0;
  return new Turns({
    clock: { monotonic: () => now += 10 },
    pause: () => Promise.resolve(between()),
  });
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `p${i % 300}`);

Deno.test("an answer between two slices is the fold of the records below its offset", async () => {
  const delivered = batch(7, ids(1_000));
  const fold = new PartitionFold(POSTS, 0, 7, MANIFEST);
  fold.assign({ stored: -1, reached: 7 });
  const seen: number[] = [];
  const turns = shortTurns(() => {
    const { next_offset, records, answers } = fold.answer(EVERYTHING, undefined);
    seen.push(next_offset);
    assertEquals(records, next_offset - 7);
    assertEquals(sorted(answers.flat()), sorted(expected(delivered, next_offset)));
  });
  await fold.fold(delivered, turns);
  assert(seen.length >= 5 && new Set(seen).size >= 5, `${seen}`);
  assertEquals(fold.next, 1_007);
});

Deno.test("an answer between two slices leaves out the records behind a gap of the log", async () => {
  const whole = batch(0, ids(600));
  const records = whole.records.filter(({ offset }) => offset % 3 > 0);
  const delivered = { ...whole, records, nextOffset: 605 };
  const fold = new PartitionFold(POSTS, 0, 0, MANIFEST);
  fold.assign({ stored: -1, reached: 0 });
  await fold.fold(
    delivered,
    shortTurns(() => {
      const { next_offset, records } = fold.answer([], undefined);
      assertEquals(records, delivered.records.filter(({ offset }) => offset < next_offset).length);
    }),
  );
  assertEquals(fold.next, 605);
});

Deno.test("a fold marks no key as changed by records that the store holds, and any by the others", async () => {
  // The same post every other time: p0 changes on both sides of the watermark, others on one.
  const names = Array.from({ length: 400 }, (_, i) => i % 2 === 0 ? "p0" : `q${i}`);
  for (const stored of [0, 1, 127, 128, 129, 200, 399, 400]) {
    const fold = new PartitionFold(POSTS, 0, 0, MANIFEST);
    fold.assign({ stored, reached: stored });
    await fold.fold(batch(0, names), new Turns());
    const { changed } = fold.take();
    const posts = changed.take("top_posts", 1_000).map((d) => d.type === "post" && d.post_id);
    const after = names.slice(stored).filter((name) => name.startsWith("q"));
    assertEquals(posts.filter((id) => id !== "p0"), after, `${stored}`);
  }
});

Deno.test("oldest is the append time of what the store lacks, during a pass too", async () => {
  const fold = new PartitionFold(POSTS, 0, 0, MANIFEST);
  fold.assign({ stored: 1, reached: 1 });
  const delivered = batch(0, ["p0", "p1", "p2"]);
  const { records } = delivered;
  await fold.fold(delivered, new Turns());
  assertEquals(fold.oldest, records[1]?.timestamp);
  fold.take();
  const later = batch(3, ["p3"]);
  await fold.fold(later, new Turns());
  assertEquals(fold.oldest, records[1]?.timestamp);
  fold.giveBack();
  assertEquals(fold.oldest, records[1]?.timestamp);
  const { folded } = fold.take();
  fold.written(folded.next_offset);
  assertEquals(fold.oldest, undefined);
});
