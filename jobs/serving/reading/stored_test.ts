import { assert, assertEquals } from "@std/assert";
import {
  compareUtf8,
  documentId,
  type StoredDocument,
  TOPICS,
  type ViewDocument,
  type ViewQuery,
} from "@pipeline/core";
import { PARTS_BOUNDS, type PartsQuestion } from "@pipeline/protocol";
import { MemoryStore } from "@pipeline/adapters/testing";
import fc from "fast-check";
import { FakeParts, foldAll } from "../testing/parts.ts";
import { buildStore, comment, NOON, post, user } from "../testing/world.ts";
import { readStored } from "./stored.ts";

const HOUR = 3_600_000;

const records = fc.array(
  fc.record({
    kind: fc.constantFrom("post", "comment", "user"),
    id: fc.integer({ min: 0, max: 40 }),
    subreddit: fc.constantFrom("a", "b"),
    hour: fc.integer({ min: -5, max: 0 }),
    score: fc.integer({ min: 0, max: 4 }),
  }).map(({ kind, id, hour, ...fields }) => {
    const common = { ...fields, user_id: `u${id % 3}`, created_utc: NOON + hour * HOUR };
    if (kind === "post") return post({ ...common, post_id: `p${id}` });
    if (kind === "comment") return comment({ ...common, post_id: `p${id}`, comment_id: `c${id}` });
    return user({ user_id: `u${id % 3}`, karma: id });
  }),
  { maxLength: 80, size: "max" },
);

const limit = fc.constantFrom(1, 2, 7, PARTS_BOUNDS.documents);
const question: fc.Arbitrary<PartsQuestion> = fc.oneof(
  limit.map((limit) => ({
    view: "top_posts" as const,
    query: { type: "post" as const, subreddit: "a", order: "rank" as const, limit },
  })),
  limit.chain((limit) =>
    fc.constantFrom<ViewQuery["order"]>("window", "latest").map((order) => ({
      view: "subreddit_activity" as const,
      query: { type: "activity" as const, window: "1h" as const, to: NOON, order, limit },
    }))
  ),
  fc.constant({ view: "user_activity" as const, keys: ["total|u0", "total|u2", "total|none"] }),
  fc.constant({ view: "top_posts" as const, keys: [] }),
  fc.constant({ totals: { window: "1h" as const, from: NOON - 3 * HOUR, to: NOON } }),
);

/** The order of documents and sums is part of an answer only where a query asks for one. */
function sorted(answers: readonly (readonly object[])[], questions: readonly PartsQuestion[]) {
  return answers.map((answer, i) => {
    const keyed = "query" in questions[i]!
      ? answer
      : answer.toSorted((a, b) => compareUtf8(JSON.stringify(a), JSON.stringify(b)));
    return keyed;
  });
}

Deno.test("readStored() gives the answers that folds of the same records give", async () => {
  await fc.assert(
    fc.asyncProperty(
      records,
      fc.array(question, { minLength: 1, maxLength: 4 }),
      async (speed, questions) => {
        const folds = foldAll({ speed });
        const store = await buildStore({ batch: speed.slice(0, 9), speed });
        const live = await new FakeParts(folds).ask({ generation: 1, identity: "", questions });
        const parts = folds.map(({ topic, partition }) => ({
          topic,
          partition,
          name: `${topic}-${partition}`,
        }));
        const views = { store, generation: 1 };
        const { answers, complete } = await readStored(views, { parts, questions });
        assert(complete);
        for (const { topic, partition, answers: expected } of live) {
          assertEquals(
            sorted(answers.get(`${topic}-${partition}`)!, questions),
            sorted(expected, questions),
          );
        }
      },
    ),
    { numRuns: 100 },
  );
});

/** A store with this many posts in each part, and a count of its searches. */
async function storeOf(counts: readonly number[]) {
  const store = new MemoryStore();
  await store.createGeneration(1);
  const body = (i: number): ViewDocument[] =>
    counts.flatMap((count, partition) => {
      const { kind: _, content: __, ...fields } = post({ post_id: `t3_${i}`, score: i }) as Extract<
        ReturnType<typeof post>,
        { kind: "post" }
      >;
      return i < count ? [{ type: "post", part: `reddit.posts-${partition}`, ...fields }] : [];
    });
  const documents: StoredDocument[] = Array.from({ length: Math.max(...counts) }, (_, i) => body(i))
    .flat().map((body) => ({ id: documentId(body), version: 1, body }));
  await store.write(1, "top_posts", documents);
  const searched: number[] = [];
  const search = store.search.bind(store);
  store.search = async (...args) => {
    const page = await search(...args);
    searched.push(page.documents.length);
    return page;
  };
  return { store, searched };
}

const TOP = [0, 1, 2].map((partition) => ({
  topic: TOPICS[0],
  partition,
  name: `reddit.posts-${partition}`,
}));

Deno.test("readStored() reads no more than the limit of each part, however unequal the parts are", async () => {
  const { store, searched } = await storeOf([500, 3, 40]);
  const query = { type: "post", subreddit: "deno", order: "rank", limit: 20 } as const;
  const asked = { parts: TOP, questions: [{ view: "top_posts" as const, query }] };
  const { answers } = await readStored({ store, generation: 1 }, asked);
  assertEquals([...answers.values()].map(([posts]) => posts!.length), [20, 3, 20]);
  assert(searched.reduce((a, b) => a + b) <= 60 + 40, searched.join());
});

Deno.test("readStored() reads beyond the bound of a fold's answer", async () => {
  const { store } = await storeOf([PARTS_BOUNDS.documents + 5, 0, 1]);
  const query = { type: "post", order: "rank", limit: PARTS_BOUNDS.documents } as const;
  const asked = { parts: TOP, questions: [{ view: "top_posts" as const, query }] };
  const { answers } = await readStored({ store, generation: 1 }, asked);
  assertEquals([...answers.values()].map(([posts]) => posts!.length), [10_005, 0, 1]);
});

Deno.test("readStored() asks the store for nothing of parts that cannot hold it", async () => {
  const { store, searched } = await storeOf([1]);
  const parts = [{ topic: TOPICS[2], partition: 0, name: "reddit.users-0" }];
  const query = { type: "post", order: "rank", limit: 5 } as const;
  const questions: PartsQuestion[] = [{ view: "top_posts", query }, {
    totals: { window: "1h", from: 0, to: NOON },
  }];
  const { answers } = await readStored({ store, generation: 1 }, { parts, questions });
  assertEquals([answers.get("reddit.users-0"), searched], [[[], []], []]);
});
