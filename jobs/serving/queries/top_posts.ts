/**
 * The best posts of one subreddit: reads only as many documents of both layers as the proof needs
 * that no other post belongs among them.
 *
 * A round asks each part for its best posts and, by key, for those posts that may be among the best
 * of all: those that were so before, and batch's best. The answer is proved if every list that is
 * not exhausted ends at or below the k-th post, and every item was asked for by key. Then each
 * version that was not read ranks below the k-th post, and of each item all versions are known.
 * Both hold only because all answers of a round stand at one vector of offsets: a version that
 * appeared between two rounds could be in neither. So the answer consists of the last round alone.
 *
 * @module
 */

import {
  compareRank,
  documentKey,
  mergeTop,
  nameKey,
  type PostDocument,
  type TopPosts,
} from "@pipeline/core";
import { fitting } from "../reading/documents.ts";
import type { Reading } from "../reading/reading.ts";
import { refuseOtherRules, shownName, spellingsQuestion } from "./names.ts";

/** Most posts of one list to consider for one answer; beyond, it is not exact. */
const MAX_CANDIDATES = 4000;

/** Most rounds for one answer; beyond, it is not exact. */
const MAX_ROUNDS = 8;

/** Lengths of the first lists: few, so that most requests share the cached list of batch. */
const FIRST_LISTS = [20, 110] as const;

/** The best posts of a subreddit. */
export interface SubredditTop extends TopPosts {
  /** The name in its latest spelling. */
  readonly name: string;
}

/**
 * The best `k` posts of a subreddit, however its name is spelled, and whether that is proved.
 *
 * @throws {Problem} 404 or 503 if the generation does not know the subreddit (see `names.ts`).
 */
export async function topPosts(
  reading: Reading,
  request: { readonly subreddit: string; readonly k: number },
): Promise<SubredditTop> {
  const { batch } = reading;
  const { k } = request;
  await refuseOtherRules(reading);
  const subreddit = nameKey(request.subreddit);
  const view = "top_posts";
  const names = spellingsQuestion([subreddit]);
  const keyOf = (id: string) => documentKey({ type: "post", subreddit, post_id: id });
  const cutKey = documentKey({ type: "cut", subreddit });
  let candidates = reading.expected.tops.get(subreddit) ?? [];
  for (
    let limit: number = FIRST_LISTS.find((length) => k + 10 <= length) ?? k + 10, rounds = 1;;
    rounds++
  ) {
    const query = { type: "post", subreddit, order: "rank", limit } as const;
    const [best, [cut], spellings] = await Promise.all([
      batch.search(view, query),
      batch.get<"cut">(view, [cutKey]),
      batch.get<"subreddit">(names.view, names.keys),
    ]);
    const ids = new Set([...candidates, ...best.map(({ post_id }) => post_id)]);
    const asked = new Set(fitting([...ids], (id) => [keyOf(id)], { beside: 1 }));
    const round = await reading.live({
      names,
      best: { view, query },
      candidates: { view, keys: [...asked].map(keyOf) },
    });
    const lists = round.byPart<"post">("best");
    const speed = [...lists.flat(), ...round.documents<"post">("candidates")];
    for (const { post_id } of speed) ids.add(post_id);
    // A list that is not full has all posts of batch.
    const stored = best.length < limit
      ? best
      : await batch.getKnown<"post">(view, [...ids].map(keyOf));
    const top = mergeTop(k, stored, speed, cut);
    const below = [best, ...lists].every((list) => isBelow(list, limit, top.items[k - 1]));
    const proved = below && top.items.every(({ post_id }) => asked.has(post_id));
    if (proved || limit > MAX_CANDIDATES || rounds === MAX_ROUNDS) {
      const name = shownName(reading, { name: request.subreddit, round, stored: spellings });
      reading.include(round);
      reading.expected.tops.set(subreddit, top.items.map(({ post_id }) => post_id));
      return { name, items: top.items, exact: top.exact && proved };
    }
    if (!below) limit *= 4;
    // The best first: a request holds a limited number of keys.
    candidates = mergeTop(ids.size, stored, speed).items.map(({ post_id }) => post_id);
  }
}

/** Whether every post of a part that its list leaves out ranks below this one. */
function isBelow(
  list: readonly PostDocument[],
  limit: number,
  post: PostDocument | undefined,
): boolean {
  if (list.length < limit) return true;
  return post !== undefined && compareRank(post, list.at(-1)!) <= 0;
}
