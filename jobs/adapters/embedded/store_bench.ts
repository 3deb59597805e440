/**
 * Documents a second through the embedded store: `deno bench --allow-all store_bench.ts`.
 *
 * @module
 */

import { documentId, type StoredDocument, type ViewDocument } from "@pipeline/core";
import { EmbeddedStore } from "./mod.ts";

const DOCUMENTS = 100_000;
const HOUR = 3_600_000;

function stored(body: ViewDocument, version = 1): StoredDocument {
  return { id: documentId(body), version, body };
}

const activity = Array.from({ length: DOCUMENTS }, (_, i) =>
  stored({
    type: "activity",
    part: "batch",
    subreddit: `subreddit_${i * 7919 % 600}`,
    window: "1h",
    window_start: Math.floor(i / 600) * HOUR,
    posts: i % 7,
    comments: i % 31,
    active_users: i % 5,
    users: "e:abcdef",
  }));

const posts = Array.from({ length: DOCUMENTS }, (_, i) =>
  stored({
    type: "post",
    part: "batch",
    subreddit: `subreddit_${i * 7919 % 600}`,
    post_id: `t3_${i.toString(36)}`,
    title: "A title as long as titles are, more or less",
    user_id: `t2_${i % 5_000}`,
    score: i * 31 % 1_000,
    num_comments: i % 50,
    created_utc: i * 1_000,
    timestamp: i * 1_000,
  }));

const users = Array.from({ length: DOCUMENTS }, (_, i) =>
  stored({
    type: "user_window",
    part: "reddit.posts-0",
    user_id: `t2_${i * 7919 % 20_011}`,
    window: "1d",
    window_start: i % 7 * 24 * HOUR,
    posts: 1,
    comments: 2,
  }));

async function withStore(body: (store: EmbeddedStore) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const store = new EmbeddedStore(folder);
  await store.createGeneration(1);
  await body(store);
  await store.close();
  await Deno.remove(folder, { recursive: true });
}

for (
  const [view, documents] of [
    ["subreddit_activity", activity],
    ["top_posts", posts],
    ["user_activity", users],
  ] as const
) {
  Deno.bench(`write 100,000 new documents of ${view}`, async (b) => {
    await withStore(async (store) => {
      b.start();
      for (let i = 0; i < DOCUMENTS; i += 10_000) {
        await store.write(1, view, documents.slice(i, i + 10_000));
      }
      b.end();
    });
  });
}

Deno.bench("write 100,000 documents over older ones, in writes of 500", async (b) => {
  await withStore(async (store) => {
    await store.write(1, "subreddit_activity", activity);
    const newer = activity.map((document) => ({ ...document, version: 2 }));
    b.start();
    for (let i = 0; i < DOCUMENTS; i += 500) {
      await store.write(1, "subreddit_activity", newer.slice(i, i + 500));
    }
    b.end();
  });
});

Deno.bench("get 10,000 of 100,000 documents", async (b) => {
  await withStore(async (store) => {
    await store.write(1, "subreddit_activity", activity);
    const ids = activity.filter((_, i) => i % 10 === 0).map((document) => document.id);
    b.start();
    await store.get(1, "subreddit_activity", ids);
    b.end();
  });
});

Deno.bench("search 1,000 times for a subreddit's 10 best of 100,000 posts", async (b) => {
  await withStore(async (store) => {
    await store.write(1, "top_posts", posts);
    b.start();
    for (let i = 0; i < 1_000; i++) {
      const subreddit = `subreddit_${i % 600}`;
      await store.search(1, "top_posts", { subreddit, type: "post", order: "rank", limit: 10 });
    }
    b.end();
  });
});

Deno.bench("search 1,000 times for a subreddit's latest 24 hours", async (b) => {
  await withStore(async (store) => {
    await store.write(1, "subreddit_activity", activity);
    b.start();
    for (let i = 0; i < 1_000; i++) {
      const subreddit = `subreddit_${i % 600}`;
      const query = { subreddit, window: "1h", order: "latest", limit: 24 } as const;
      await store.search(1, "subreddit_activity", query);
    }
    b.end();
  });
});

Deno.bench("page through 100,000 documents by id, 10,000 a page", async (b) => {
  await withStore(async (store) => {
    await store.write(1, "subreddit_activity", activity);
    b.start();
    let after: StoredDocument | undefined;
    do {
      const query = { order: "id", limit: 10_000, ...(after && { after }) } as const;
      const { documents } = await store.search(1, "subreddit_activity", query);
      after = documents[9_999];
    } while (after !== undefined);
    b.end();
  });
});

Deno.bench("drop a generation of 100,000 documents", async (b) => {
  await withStore(async (store) => {
    await store.write(1, "subreddit_activity", activity);
    b.start();
    await store.dropGeneration(1);
    b.end();
  });
});
