/**
 * Subreddits and users by name: how they are shown, and whether they are known.
 *
 * Each part of a generation that has anything of a name has a document under an id derived from it.
 * So a name is known if one of those documents exists, and unknown if none does and no part is
 * missing.
 *
 * @module
 */

import {
  BATCH_PART,
  definitionHash,
  mergeSpellings,
  nameKey,
  type Spelling,
  subredditDocumentId,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import { Problem } from "../problem.ts";
import type { Reading } from "./reading.ts";

/** Topics whose records name subreddits. */
const NAMING: readonly Topic[] = ["reddit.posts", "reddit.comments"];

/** A name that occurs in records. */
export interface Known {
  /** The name's key. */
  readonly key: string;
  /** The latest spelling. */
  readonly name: string;
}

/**
 * Finds a subreddit, however its name is spelled.
 *
 * @throws {Problem} 404 or 503, see {@linkcode unknownName} and {@linkcode refuseOtherRules}.
 */
export async function findSubreddit(reading: Reading, name: string): Promise<Known> {
  refuseOtherRules(reading);
  const key = nameKey(name);
  const found = (await readSpellings(reading, [key])).get(key);
  if (found === undefined) throw unknownName(reading, { kind: "subreddit", name, topics: NAMING });
  return { key, name: found.name };
}

/** The spellings of those of these subreddits that are known, by key. */
export async function readSpellings(
  reading: Reading,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Spelling>> {
  const parts = [BATCH_PART, ...reading.parts(NAMING)];
  const ids = keys.flatMap((key) => parts.map((part) => subredditDocumentId(part, key)));
  const found = await reading.get<"subreddit">("subreddit_activity", ids);
  const groups = Map.groupBy(found, ({ subreddit }) => subreddit);
  return new Map([...groups].map(([key, spellings]) => [key, mergeSpellings(spellings)]));
}

/**
 * Refuses to look up names in a generation with other definitions of the views, which may compare
 * names by another rule.
 *
 * @throws {Problem} 503
 */
export function refuseOtherRules(reading: Reading): void {
  const { generation, definition, settings } = reading.manifest;
  if (definition === definitionHash(settings)) return;
  const detail =
    `Generation ${generation} was built by other definitions of the views, in which names ` +
    `cannot be looked up: the next run of batch replaces it`;
  throw new Problem(503, detail, { retryAfter: 60, provenance: reading.provenance() });
}

/**
 * The problem if no document has a name: 404, with the provenance, if that is a proof; 503 if it is
 * not, since a missing part may have the name.
 */
export function unknownName(
  reading: Reading,
  { kind, name, topics = TOPICS }: {
    readonly kind: "subreddit" | "user";
    readonly name: string;
    readonly topics?: readonly Topic[];
  },
): Problem {
  const { generation } = reading.manifest;
  const what = `a ${kind} ${JSON.stringify(name)}`;
  const provenance = reading.provenance();
  const missing = reading.unfolded(topics);
  if (missing.length > 0) {
    const detail = `It is not known yet whether there is ${what}: speed has not begun with ` +
      `${missing.join(", ")} in generation ${generation}`;
    return new Problem(503, detail, { retryAfter: 5, provenance });
  }
  return new Problem(404, `No record in generation ${generation} names ${what}`, { provenance });
}
