/**
 * The best posts of one subreddit: reads only as many documents of both layers as the proof needs
 * that no other post belongs among them.
 *
 * @module
 */

import {
  BATCH_PART,
  compareRank,
  cutDocumentId,
  mergeTop,
  type PostDocument,
  postDocumentId,
  type StoredDocument,
  type TopPosts,
} from "@pipeline/core";
import type { Reading } from "./reading.ts";

/** Most posts to consider for one answer; beyond, it is not exact. */
const MAX_CANDIDATES = 4000;

/** Posts of one layer in the order of rank, read page by page. */
class Ranked {
  readonly #reading: Reading;
  readonly #filter: { readonly subreddit: string; readonly layer: "batch" | "speed" };
  #last: (StoredDocument & { readonly body: PostDocument }) | undefined;
  /** Whether every post of the layer was read. */
  exhausted = false;

  constructor(reading: Reading, filter: { subreddit: string; layer: "batch" | "speed" }) {
    this.#reading = reading;
    this.#filter = filter;
  }

  /** Ids of the next posts. */
  async next(limit: number): Promise<string[]> {
    if (this.exhausted) return [];
    const after = this.#last;
    const page = await this.#reading.page("top_posts", {
      ...this.#filter,
      type: "post",
      order: "rank",
      limit,
      ...(after && { after }),
    });
    this.exhausted = page.length < limit;
    this.#last = page.at(-1) ?? after;
    return page.map(({ body }) => body.post_id);
  }

  /** Whether every unread post ranks below this one. */
  isBelow(post: PostDocument | undefined): boolean {
    if (this.exhausted) return true;
    return post !== undefined && this.#last !== undefined &&
      compareRank(post, this.#last.body) <= 0;
  }
}

/**
 * The best `k` posts of a subreddit, and whether that is proved.
 *
 * @param subreddit the key of its name.
 */
export async function topPosts(
  reading: Reading,
  { subreddit, k }: { readonly subreddit: string; readonly k: number },
): Promise<TopPosts> {
  const layers = [
    new Ranked(reading, { subreddit, layer: "batch" }),
    new Ranked(reading, { subreddit, layer: "speed" }),
  ];
  const parts = [BATCH_PART, ...reading.parts(["reddit.posts"])];
  const [cut] = await reading.get<"cut">("top_posts", [cutDocumentId(BATCH_PART, subreddit)]);
  const batch: PostDocument[] = [];
  const speed: PostDocument[] = [];
  const seen = new Set<string>();
  for (let limit = k + 10;; limit *= 4) {
    const pages = await Promise.all(layers.map((layer) => layer.next(limit)));
    const added = [...new Set(pages.flat())].filter((id) => !seen.has(id));
    for (const id of added) seen.add(id);
    // A post that ranks high in one part may have a later version of lower rank in another.
    const ids = added.flatMap((id) => parts.map((part) => postDocumentId(part, subreddit, id)));
    for (const post of await reading.get<"post">("top_posts", ids)) {
      (post.part === BATCH_PART ? batch : speed).push(post);
    }
    const top = mergeTop(k, batch, speed, cut);
    if (layers.every((layer) => layer.isBelow(top.items[k - 1]))) return top;
    if (seen.size >= MAX_CANDIDATES) return { ...top, exact: false };
  }
}
