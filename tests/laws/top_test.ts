import { assert, assertEquals } from "@std/assert";
import {
  asOf,
  BATCH_PART,
  canonicalJson,
  compareRank,
  type CutDocument,
  mergeTop,
  type Post,
  type PostDocument,
  type TopPosts,
  ViewState,
} from "@pipeline/core";
import fc from "fast-check";
import { anyPost } from "./_logs.ts";
import { assertBroken, assertHolds } from "./_property.ts";

const scenario = fc.record({
  posts: fc.array(anyPost, { maxLength: 16, size: "max" }),
  /** Few different scores make ties. */
  scores: fc.integer({ min: 1, max: 10 }),
  cut: fc.nat(16),
  keep: fc.integer({ min: 1, max: 4 }),
  k: fc.integer({ min: 1, max: 4 }),
}).map(({ posts, scores, ...rest }) => ({
  ...rest,
  posts: posts.map((post) => ({ ...post, score: post.score % scores })),
}));

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function registers(posts: readonly Post[], part: string): PostDocument[] {
  const state = new ViewState({ userWindows: [], maxFuture: 0 });
  for (const post of posts) state.add(post);
  return [...state.documents(part)].filter((document) => document.type === "post");
}

/** What batch publishes: its best posts, and where it kept only those, what it cut. */
function publish(posts: readonly Post[], keep: number) {
  const ranked = registers(posts, BATCH_PART).sort(compareRank);
  const last = ranked[keep - 1];
  if (ranked.length <= keep || last === undefined) return { kept: ranked, cut: undefined };
  const timestamp = Math.max(...posts.map(asOf));
  const { subreddit, post_id, score, created_utc } = last;
  const cut: CutDocument = {
    type: "cut",
    part: BATCH_PART,
    subreddit,
    post_id,
    score,
    created_utc,
    timestamp,
  };
  return { kept: ranked.slice(0, keep), cut };
}

/** Sorted without the views' code, from all versions there are. */
function bruteForce(posts: readonly Post[], k: number): string[] {
  const encoder = new TextEncoder();
  const bytes = (text: string) =>
    [...encoder.encode(text)].map((b) => String.fromCharCode(b)).join("");
  const latest = new Map<string, { order: string; post: Post }>();
  for (const { retrieved_utc = 0, ...record } of posts) {
    const post = { ...record, timestamp: Math.max(record.timestamp, retrieved_utc) };
    const { kind: _, content: __, extra: ___, ...shown } = post as Post & { extra?: unknown };
    const order = String(post.timestamp).padStart(16, "0") + bytes(canonicalJson(shown));
    const known = latest.get(post.post_id);
    if (known === undefined || order > known.order) latest.set(post.post_id, { order, post });
  }
  const rank = ({ score, created_utc, post_id }: Post) =>
    [score + 10, created_utc].map((n) => String(n).padStart(16, "0")).join() + bytes(post_id);
  return [...latest.values()].map(({ post }) => post)
    .sort((a, b) => rank(a) < rank(b) ? 1 : -1).slice(0, k)
    .map(({ post_id, title, score, timestamp }) =>
      canonicalJson([post_id, title, score, timestamp])
    );
}

function shown(items: readonly PostDocument[]): string[] {
  return items.map(({ post_id, title, score, timestamp }) =>
    canonicalJson([post_id, title, score, timestamp])
  );
}

/** Changes what batch says of its cut, where a rule is broken on purpose. */
type Forge = (cut: CutDocument) => CutDocument | undefined;

function merged({ posts, cut, keep, k }: Scenario, forge: Forge = (cut) => cut): TopPosts {
  const batch = publish(posts.slice(0, cut), keep);
  const speed = registers(posts.slice(cut), "reddit.posts-0");
  const document = batch.cut && forge(batch.cut);
  return document === undefined
    ? mergeTop(k, batch.kept, speed)
    : mergeTop(k, batch.kept, speed, document);
}

function certificateLaw(forge?: Forge): fc.IProperty<unknown> {
  return fc.property(scenario, (s) => {
    const { items, exact } = merged(s, forge);
    if (exact) assertEquals(shown(items), bruteForce(s.posts, s.k));
  });
}

Deno.test("mergeTop() gives the true best posts whenever it reports them as exact", () => {
  assertHolds(certificateLaw(), 3000);
});

Deno.test("mergeTop() is exact in a good share of the cases in which batch cut posts", () => {
  const cases = fc.sample(scenario, { numRuns: 2000, seed: 7 });
  const cut = cases.filter((s) => publish(s.posts.slice(0, s.cut), s.keep).cut !== undefined);
  const exact = cut.filter((s) => merged(s).exact);
  const wrong = cut.filter((s) =>
    String(shown(merged(s).items)) !== String(bruteForce(s.posts, s.k))
  );
  assert(cut.length > 500, `${cut.length} with a cut`);
  assert(exact.length > cut.length / 4, `${exact.length} exact of ${cut.length}`);
  // Without cases in which the answer is wrong, nothing would have been certified.
  assert(wrong.length > cut.length / 20, `${wrong.length} wrong of ${cut.length}`);
});

Deno.test("mergeTop() would err without the rule on timestamps", () => {
  assertBroken(certificateLaw((cut) => ({ ...cut, timestamp: -1 })), 3000);
});

Deno.test("mergeTop() would err if versions as old as the newest one that was folded passed", () => {
  assertBroken(certificateLaw((cut) => ({ ...cut, timestamp: cut.timestamp - 1 })), 20_000);
});

Deno.test("mergeTop() would err without the rule on the last one that was kept", () => {
  assertBroken(certificateLaw((cut) => ({ ...cut, score: -100 })), 3000);
});

Deno.test("mergeTop() would err if it ignored ties with the last post that was kept", () => {
  const least = { post_id: "", created_utc: 0 };
  assertBroken(certificateLaw((cut) => ({ ...cut, ...least })), 20_000);
});

Deno.test("mergeTop() would err if the cut went unsaid", () => {
  assertBroken(certificateLaw(() => undefined), 3000);
});
