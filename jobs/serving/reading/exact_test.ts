/**
 * However parts are placed - in the memory of one fold or several, in the store, in both at
 * different positions, or nowhere - each answer equals the one computed from all documents of the
 * vector that its provenance reports. Broken sources show that the property can fail.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Entity,
  keyOf,
  partitionFor,
  partitionName,
  type ServingStore,
  type Topic,
  topicOf,
  TOPICS,
} from "@pipeline/core";
import type { LiveParts, PartAnswer } from "@pipeline/protocol";
import { MemoryStore } from "@pipeline/adapters/testing";
import fc from "fast-check";
import { Problem } from "../problem.ts";
import { subredditActivity } from "../queries/subreddit_activity.ts";
import { listSubreddits, SORTS } from "../queries/subreddits.ts";
import { topPosts } from "../queries/top_posts.ts";
import { userActivity } from "../queries/user_activity.ts";
import { FakeParts, type Fold, foldOf } from "../testing/parts.ts";
import { sourceOf } from "../testing/source.ts";
import {
  addGeneration,
  buildStore,
  comment,
  ends,
  foldSpeed,
  NOON,
  post,
  user,
} from "../testing/world.ts";
import { type Reading, withReading } from "./reading.ts";
import type { Source } from "./source.ts";

const PARTITIONS = 2;
const HOUR = 3_600_000;
const SUBREDDITS = ["a", "b", "A"];
const USERS = ["u0", "u1", "u2"];

/** Every part of a topic. */
const PARTS = TOPICS.flatMap((topic) =>
  Array.from(
    { length: PARTITIONS },
    (_, partition) => ({ topic, partition, name: partitionName(topic, partition) }),
  )
);

const record: fc.Arbitrary<Entity> = fc.record({
  kind: fc.constantFrom("post", "comment", "user"),
  id: fc.integer({ min: 0, max: 9 }),
  user_id: fc.constantFrom(...USERS),
  subreddit: fc.constantFrom(...SUBREDDITS),
  hour: fc.integer({ min: -26, max: 0 }),
  edited: fc.integer({ min: 0, max: 2 }),
  score: fc.integer({ min: 0, max: 20 }),
}).map(({ kind, id, user_id, subreddit, hour, edited, score }) => {
  const created_utc = NOON + hour * HOUR;
  const common = { user_id, subreddit, created_utc, score };
  switch (kind) {
    case "post":
      // A post keeps its time, so that later records are versions of it.
      return post({ ...common, post_id: `p${id}`, created_utc: NOON, timestamp: NOON + edited });
    case "comment":
      return comment({ ...common, post_id: `p${id}`, comment_id: `c${id}` });
    default:
      return user({ user_id, karma: score, timestamp: created_utc });
  }
});

const share = fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20);

/** Where a part is: shares of its records that folds and the store hold; `null`: none has begun. */
const placement = fc.record({
  memory: fc.array(share, { maxLength: 3 }),
  store: fc.option(share),
});

const drawn = fc.record({
  batch: fc.array(record, { maxLength: 30, size: "max" }),
  speed: fc.array(record, { maxLength: 60, size: "max" }),
  placements: fc.array(placement, { minLength: PARTS.length, maxLength: PARTS.length }),
  staleness: fc.constantFrom(0, 1_000),
});

type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

/** What breaks the sources on purpose. */
interface Tamper {
  readonly parts?: (parts: LiveParts) => LiveParts;
}

async function property({ batch, speed, placements, staleness }: Drawn, tamper: Tamper = {}) {
  const layers = { batch, speed };
  const options = { partitions: PARTITIONS };
  const total = ends(speed, options);
  const places = PARTS.map((part, i) => {
    const count = total[part.topic][part.partition]!;
    const { memory, store } = placements[i]!;
    return {
      ...part,
      memory: memory.map((share) => Math.round(share * count)),
      store: store === null ? undefined : Math.round(store * count),
    };
  });
  const chosen = places.map(({ memory, store, ...part }) => {
    const all = [...memory, ...(store === undefined ? [] : [store])];
    return { ...part, count: all.length === 0 ? undefined : Math.max(...all) };
  });
  const stored = places.map(({ store: count, ...part }) => ({ ...part, count }));

  const folds = places.flatMap(({ memory, topic, partition }) =>
    memory.map((count) => foldOf(layers, { topic, partition, count }, options))
  );
  const parts: LiveParts = new FakeParts(folds);
  const read = sourceOf({
    store: await storeOf(batch, speed, stored),
    parts: tamper.parts?.(parts) ?? parts,
    watermarkAge: staleness,
  });
  const oracle = sourceOf({ store: await storeOf(batch, speed, chosen) });
  assertEquals(await answers(read), await answers(oracle));
}

/** A store whose parts hold the first records of each. */
async function storeOf(
  batch: readonly Entity[],
  speed: readonly Entity[],
  parts: readonly {
    readonly name: string;
    readonly topic: Topic;
    readonly partition: number;
    readonly count: number | undefined;
  }[],
): Promise<MemoryStore> {
  const held = parts.flatMap(({ topic, partition, count = 0 }) =>
    speed.filter((entity) =>
      topicOf(entity) === topic && partitionFor(keyOf(entity), PARTITIONS) === partition
    ).slice(0, count)
  );
  const unfolded = parts.filter(({ count }) => count === undefined).map(({ name }) => name);
  return await buildStore({ batch, speed: held }, { partitions: PARTITIONS, unfolded });
}

/** All answers, each with the positions that it reports. */
async function answers(source: Source): Promise<unknown[]> {
  const ask = async (name: string, query: (reading: Reading) => Promise<unknown>) => {
    const answer = await withReading(source, async (reading) => {
      const result = await query(reading);
      const { folded, missing } = reading.provenance();
      return { result, folded, missing };
    }).catch((error) => {
      if (error instanceof Problem) return [error.status, error.message, error.provenance?.folded];
      throw error;
    });
    return [name, answer];
  };
  const all: unknown[] = [];
  for (const subreddit of SUBREDDITS.slice(0, 2)) {
    all.push(await ask(`top of ${subreddit}`, (r) => topPosts(r, { subreddit, k: 3 })));
    for (const window of ["1h", "1d"] as const) {
      const request = { subreddit, window };
      all.push(await ask(`activity of ${subreddit}`, (r) => subredditActivity(r, request)));
      const from = { ...request, from: NOON - 9 * HOUR };
      all.push(await ask(`activity of ${subreddit}`, (r) => subredditActivity(r, from)));
    }
  }
  for (const user_id of USERS) {
    all.push(await ask(user_id, (r) => userActivity(r, { user_id, window: "1d" })));
  }
  for (const sort of SORTS) {
    for (const at of [undefined, NOON - 3 * HOUR]) {
      const request = { window: "1h", sort, limit: 2, at } as const;
      all.push(await ask(`list by ${sort}`, (r) => listSubreddits(r, request)));
    }
  }
  return all;
}

Deno.test("every answer equals the one computed from all documents of its vector", async () => {
  await fc.assert(fc.asyncProperty(drawn, (one) => property(one)), { numRuns: 80 });
});

/** Joins the documents of all answers for a part, at the position of the newest. */
function joined(answers: readonly PartAnswer[]): PartAnswer[] {
  const groups = Map.groupBy(answers, ({ topic, partition }) => partitionName(topic, partition));
  return [...groups.values()].map((all) => {
    const newest = all.reduce((a, b) => b.next_offset > a.next_offset ? b : a);
    return {
      ...newest,
      answers: newest.answers.map((_, i) =>
        all.flatMap(({ answers }) => answers[i] as never)
      ) as PartAnswer["answers"],
    };
  });
}

/** The answer of each part that has folded least. */
function oldest(answers: readonly PartAnswer[]): PartAnswer[] {
  const groups = Map.groupBy(answers, ({ topic, partition }) => partitionName(topic, partition));
  return [...groups.values()].map((all) =>
    all.reduce((a, b) => b.next_offset < a.next_offset ? b : a)
  );
}

/** The documents of the oldest answer, at the position of the newest. */
function mixed(answers: readonly PartAnswer[]): PartAnswer[] {
  const newest = joined(answers);
  return oldest(answers).map((answer, i) => ({
    ...answer,
    next_offset: newest[i]!.next_offset,
  }));
}

for (
  const [what, broken] of [
    ["adds two answers of one part", joined],
    ["takes the answer that has folded less", oldest],
    ["takes position and documents from two answers", mixed],
  ] as const
) {
  Deno.test(`the property fails for a reader that ${what}`, async () => {
    const parts = (parts: LiveParts): LiveParts => ({
      ask: async (request) => broken(await parts.ask(request)),
    });
    await assertRejects(
      () =>
        fc.assert(fc.asyncProperty(drawn, (one) => property(one, { parts })), {
          numRuns: 100,
          endOnFailure: true,
        }),
      Error,
      "Property failed",
    );
  });
}

/** A store that speed writes a further record to before each call. */
function moving(store: MemoryStore, posts: readonly Entity[]): ServingStore {
  let written = 0;
  const write = async () => {
    if (written === posts.length) return;
    await foldSpeed(store, { speed: posts.slice(0, ++written) }, { partitions: 1 });
  };
  return new Proxy(store, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        await write();
        return await method.apply(target, args);
      };
    },
  });
}

/** The number of posts in an answer, and how many it reports to include at least. */
async function counted(store: ServingStore) {
  return await withReading(sourceOf({ store }), async (reading) => {
    const request = { subreddit: "deno", window: "1h" } as const;
    const { items } = await subredditActivity(reading, request);
    const least = reading.provenance().folded["reddit.posts"][0]!;
    return { posts: items[0]?.posts ?? 0, least };
  });
}

async function movingStore(): Promise<{ store: MemoryStore; posts: Entity[] }> {
  const store = new MemoryStore();
  const posts = Array.from({ length: 40 }, (_, i) => post({ post_id: `t3_${i}` }));
  await addGeneration(store, { speed: posts.slice(0, 1) }, { partitions: 1 });
  await store.switchTo(1, undefined);
  return { store, posts };
}

Deno.test("an answer includes at least the records that it reports, while the store is written", async () => {
  const { store, posts } = await movingStore();
  const source = moving(store, posts);
  for (let i = 0; i < 3; i++) {
    const { posts, least } = await counted(source);
    assert(least > 0 && posts > least, `${posts} posts, at least ${least} reported`);
  }
});

Deno.test("documents that were read before the watermark are fewer than reported", async () => {
  const { store, posts } = await movingStore();
  const source = moving(store, posts);
  // Documents of the moment at which the reading begins.
  const { documents } = await store.search(1, "subreddit_activity", { order: "id", limit: 99 });
  const early = new Proxy(source, {
    get: (target, name) =>
      name === "search"
        ? () => Promise.resolve({ documents, complete: true })
        : Reflect.get(target, name).bind(target),
  });
  const answer = await counted(early);
  assert(answer.posts < answer.least, `${answer.posts} posts, at least ${answer.least} reported`);
});

/** Folds that each go on by one record between two rounds. */
function advancing(speed: readonly Entity[], from: number): LiveParts {
  let count = from;
  return {
    ask: async (request) => {
      const folds: Fold[] = PARTS.map((part) =>
        foldOf({ speed }, { ...part, count: part.topic === "reddit.users" ? 0 : count }, {
          partitions: PARTITIONS,
        })
      );
      count++;
      return await new FakeParts(folds).ask(request);
    },
  };
}

Deno.test("an answer of several rounds is exact at one vector while the folds go on", async () => {
  const posts = fc.array(record, { minLength: 20, maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(posts, fc.integer({ min: 0, max: 5 }), async (speed, from) => {
      const empty = await buildStore({}, { partitions: PARTITIONS });
      for (
        const query of [
          (r: Reading) => topPosts(r, { subreddit: "a", k: 2 }),
          (r: Reading) => listSubreddits(r, { window: "1h", sort: "trending", limit: 2 }),
        ]
      ) {
        const read = async (source: Source) =>
          await withReading(source, async (reading) => {
            const result = await query(reading);
            return { result, folded: reading.provenance().folded };
          }).catch((error) => {
            if (error instanceof Problem) return undefined;
            throw error;
          });
        const found = await read(sourceOf({ store: empty, parts: advancing(speed, from) }));
        if (found === undefined) continue;
        const parts = PARTS.map((part) => ({
          ...part,
          count: found.folded[part.topic][part.partition]!,
        }));
        const expected = await read(sourceOf({ store: await storeOf([], speed, parts) }));
        assertEquals(found, expected);
      }
    }),
    { numRuns: 60 },
  );
});
