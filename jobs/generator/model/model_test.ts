import { assert, assertEquals, assertLess } from "@std/assert";
import {
  canonicalJson,
  type Comment,
  encodeRecord,
  type Entity,
  formatTime,
  hashText,
  idOf,
  isAnnouncement,
  parseText,
  type Post,
  topicOf,
} from "@pipeline/core";
import { Model, type ModelOptions } from "./model.ts";

const START = Date.UTC(2026, 0, 1);

/** Records of a model that is called every 50 ms. */
function facts(options: ModelOptions, count: number): Entity[] {
  const model = new Model(options);
  return Array.from({ length: count }, (_, i) => model.next(START + 50 * i));
}

function encoded(records: Iterable<Entity>): string {
  return Array.from(records, encodeRecord).join("\n");
}

Deno.test("Model gives the same bytes for the same seed, and others for another", () => {
  const one = encoded(facts({ seed: 7 }, 5_000));
  assertEquals(encoded(facts({ seed: 7 }, 5_000)), one);
  assert(encoded(facts({ seed: 8 }, 5_000)) !== one);
});

Deno.test("Model gives these very bytes for seed 1, on every machine", () => {
  // A change here gives other histories under old names: raise FORMAT in historical.ts with it.
  assertEquals(hashText(encoded(facts({ seed: 1 }, 10_000))), "3d7ae7cc5b70ae65");
});

Deno.test("Model makes records whose fast encoding is canonical JSON", () => {
  for (const record of facts({ seed: 2, unknownSubreddit: 100 }, 20_000)) {
    const { kind: _, ...fields } = record;
    const canonical = canonicalJson({
      ...fields,
      created_utc: formatTime(record.created_utc),
      timestamp: formatTime(record.timestamp),
    });
    assertEquals(encodeRecord(record), canonical);
  }
});

Deno.test("Model makes records that core reads back as they were", () => {
  for (const record of facts({ seed: 3, unknownSubreddit: 100 }, 20_000)) {
    assertEquals(parseText(topicOf(record), encodeRecord(record)), record);
  }
});

Deno.test("Model never has a comment or a version before what it belongs to", () => {
  const announced = new Map<string, number>();
  for (const record of facts({ seed: 4, run: 1 }, 20_000)) {
    if (record.kind === "user") continue;
    if (isAnnouncement(record)) {
      assert(!announced.has(idOf(record)), `${idOf(record)} is announced twice`);
      announced.set(idOf(record), record.timestamp);
    } else {
      assertEquals(announced.get(idOf(record)), record.created_utc);
    }
    if (record.kind === "comment") assertLess(announced.get(record.post_id)!, record.created_utc);
  }
});

Deno.test("Model keeps the number of comments that it made", () => {
  const comments = new Map<string, number>();
  for (const record of facts({ seed: 5 }, 20_000)) {
    if (record.kind === "comment" && isAnnouncement(record)) {
      comments.set(record.post_id, (comments.get(record.post_id) ?? 0) + 1);
    } else if (record.kind === "post") {
      assertEquals(record.num_comments, comments.get(record.post_id) ?? 0);
    }
  }
});

Deno.test("Model mixes posts, comments, votes, edits and karma", () => {
  const records = facts({ seed: 6 }, 20_000);
  const share = (test: (record: Entity) => boolean) => records.filter(test).length / 20_000;
  const near = (actual: number, wanted: number) => assertLess(Math.abs(actual - wanted), 0.02);
  near(share((r) => r.kind === "post" && isAnnouncement(r)), 0.1);
  near(share((r) => r.kind === "comment" && isAnnouncement(r)), 0.6);
  near(share((r) => r.kind === "post" && !isAnnouncement(r)), 0.21);
  near(share((r) => r.kind === "user"), 0.06);
  const bytes = records.reduce((sum, record) => sum + encodeRecord(record).length, 0) / 20_000;
  assert(bytes > 250 && bytes < 400, `a record has ${bytes} bytes on average`);
});

Deno.test("Model makes few subreddits and users popular, as Zipf's law has it", () => {
  const posts = facts({ seed: 9 }, 60_000)
    .filter((r): r is Post => r.kind === "post" && isAnnouncement(r));
  const counts = new Map<string, number>();
  for (const { subreddit } of posts) counts.set(subreddit, (counts.get(subreddit) ?? 0) + 1);
  const ranked = [...counts.values()].sort((a, b) => b - a);
  // The weight of rank r is 1 / (r + 2): ranks 0 and 8 differ by a factor of 5.
  const ratio = ranked[0]! / ranked[8]!;
  assert(ratio > 3.5 && ratio < 7, `the first has ${ratio} times the posts of the ninth`);
  assert(counts.size > 150, `${counts.size} of 200 subreddits have posts`);
});

Deno.test("Model leaves out the share of subreddits that was asked for, and changes nothing else", () => {
  const isComment = (r: Entity): r is Comment => r.kind === "comment" && isAnnouncement(r);
  const known = facts({ seed: 10 }, 10_000).filter(isComment);
  const some = facts({ seed: 10, unknownSubreddit: 250 }, 10_000).filter(isComment);
  const without = some.filter((comment) => comment.subreddit === undefined).length;
  assertLess(Math.abs(without / some.length - 0.25), 0.02);
  const strip = ({ subreddit: _, ...rest }: Comment) => rest;
  assertEquals(some.map(strip), known.map(strip));
});

Deno.test("Model repeats no id in another run of the same seed", () => {
  const ids = (run?: number) =>
    new Set(
      facts({ seed: 11, ...(run === undefined ? {} : { run }) }, 5_000)
        .filter((r) => isAnnouncement(r)).map(idOf),
    );
  const sets = [ids(), ids(1), ids(2), ids(12)];
  const all = new Set(sets.flatMap((set) => [...set]));
  assertEquals(all.size, sets.reduce((sum, set) => sum + set.size, 0));
});

Deno.test("Model has the same users and karma in a live run as in the history before it", () => {
  const registration = { from: START, to: START + 86_400_000 };
  const history = new Model({ seed: 1, registration }).population;
  const live = new Model({ seed: 1, registration, run: 3 }).population;
  for (const rank of [0, 17, 4_999]) {
    assertEquals(live.fact(rank, registration.to), history.fact(rank, registration.to));
  }
  assertEquals(history.count(START - 1), 0);
  assertEquals(history.count(START), 1);
  assertEquals(history.count(registration.to), 5_000);
});
