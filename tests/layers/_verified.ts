/**
 * Records to verify, and a store that answers with other documents than it has.
 *
 * @module
 */

import {
  DAY,
  type Entity,
  type ServingStore,
  type StoredDocument,
  type ViewDocument,
} from "@pipeline/core";
import { comment, HOUR, post, START } from "./_world.ts";

/** Records of an hour: updates of what is older, a comment without a subreddit now and then, accounts. */
export function hourOf(n: number): Entity[] {
  const at = START + n * HOUR;
  const records: Entity[] = [];
  for (let i = 0; i < 20; i++) {
    const id = `p${n}-${i}`;
    const user_id = `u${(n + i) % 7}`;
    const subreddit = `s${i % 3}`;
    const created = at + i * 60_000;
    records.push(post(id, created, { user_id, subreddit, score: i * 7 % 13 }));
    records.push(comment(`c${id}`, created, { post_id: id, user_id, subreddit }));
  }
  if (n % 5 === 0) records.push(comment(`lost${n}`, at + 1, { post_id: `p${n}-0` }));
  const older = post(`p${n >> 1}-0`, START + (n >> 1) * HOUR, { user_id: `u${(n >> 1) % 7}` });
  records.push({ ...older, subreddit: "s0", timestamp: at + 7, score: n } as Entity);
  const account = { kind: "user", username: "U", karma: n, created_utc: START - DAY } as const;
  records.push({ ...account, user_id: `u${n % 7}`, timestamp: at + 3 });
  return records;
}

/** What is served in place of a document. */
export type Change = (document: StoredDocument) => StoredDocument | undefined;

/** A store that answers with other documents, and notes which ones were asked for by id. */
export function tampered(
  store: ServingStore,
  change: Change = (document) => document,
): { readonly store: ServingStore; readonly asked: Set<string> } {
  const asked = new Set<string>();
  const own: Partial<ServingStore> = {
    async search(...query) {
      const page = await store.search(...query);
      return { ...page, documents: page.documents.flatMap((document) => change(document) ?? []) };
    },
    async get(generation, view, ids) {
      for (const id of ids) asked.add(id);
      return (await store.get(generation, view, ids)).map((found) => found && change(found));
    },
  };
  const proxy = new Proxy(store, {
    get: (target, name: keyof ServingStore) =>
      own[name] ?? (target[name] as () => unknown).bind(target),
  });
  return { store: proxy, asked };
}

/** A document that no records make. */
export function broken(body: ViewDocument): ViewDocument {
  switch (body.type) {
    case "post":
      return { ...body, score: body.score + 1 };
    case "subreddit":
      return { ...body, name: body.name.toUpperCase(), name_timestamp: 0 };
    case "activity":
      return { ...body, comments: body.comments - 1 };
    case "user_window":
      return { ...body, posts: body.posts - 1 };
    case "user_total":
      return { ...body, karma: body.karma + 1 };
    default:
      return body;
  }
}
