import { DEFAULT_SETTINGS, type Entity, ViewState } from "@pipeline/core";
import { assertEquals } from "@std/assert";
import { comment, post, START } from "../testing/dataset.ts";
import { Overlap } from "./overlap.ts";

function folded(records: readonly Entity[]): ViewState {
  const state = new ViewState(DEFAULT_SETTINGS);
  for (const record of records) state.add(record);
  return state;
}

/** The surplus of the parts over one fold of all their records, by key. */
function overlap(batch: readonly Entity[], ...speed: (readonly Entity[])[]) {
  const found = new Overlap(folded(batch), speed.map(folded), DEFAULT_SETTINGS);
  const corrections = found.corrections(folded([batch, ...speed].flat()));
  const more = Object.fromEntries(
    [...corrections].filter(([, c]) => c.posts !== 0 || c.comments !== 0),
  );
  return { count: found.more, more };
}

const P1 = post("p1", START);
const C1 = comment("c1", START, { subreddit: "sub" });

Deno.test("Overlap finds nothing where every announcement is in one part", () => {
  assertEquals(overlap([P1, P1], [C1], [post("p2", START)]), { count: 0, more: {} });
});

Deno.test("Overlap counts an announcement once for each part beyond the first, in each key of it", () => {
  const { count, more } = overlap([P1], [P1, C1], [P1]);
  assertEquals(count, 2);
  const twice = { posts: 2, comments: 0 };
  assertEquals(more, {
    "user total ann": twice,
    [`user 1d ${START} ann`]: twice,
    [`activity 1m ${START} sub`]: twice,
    [`activity 1h ${START} sub`]: twice,
    [`activity 1d ${START} sub`]: twice,
  });
});

Deno.test("Overlap finds what two partitions of speed have seen, and batch has not", () => {
  assertEquals(overlap([], [C1], [P1, C1]).count, 1);
});

Deno.test("Overlap counts a comment without a subreddit for its user alone", () => {
  const { count, more } = overlap([comment("c1", START)], [comment("c1", START)]);
  assertEquals([count, Object.keys(more).sort()], [1, [`user 1d ${START} bob`, "user total bob"]]);
});

Deno.test("Overlap counts announcements that contradict one another, each for its own author", () => {
  const other = post("p1", START, { user_id: "eve" });
  const { count, more } = overlap([P1], [other]);
  assertEquals(count, 1);
  // One fold counts one of them; the parts count both, one each.
  assertEquals([more["user total ann"], more["user total eve"]].filter((c) => c !== undefined), [
    { posts: 1, comments: 0 },
  ]);
});
