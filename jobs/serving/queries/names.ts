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
  definitionHash,
  documentKey,
  mergeSpellings,
  type Spelling,
  type Topic,
  TOPICS,
} from "@pipeline/core";
import type { PartsQuestion } from "@pipeline/protocol";
import { Problem } from "../problem.ts";
import { type DocumentOf, TOPICS_OF } from "../reading/documents.ts";
import type { Reading } from "../reading/reading.ts";
import type { Round } from "../reading/round.ts";

/** The question for the spellings of subreddits. */
export function spellingsQuestion(
  keys: readonly string[],
): Extract<PartsQuestion, { keys: unknown }> {
  return { view: "subreddit_activity", keys: keys.map(spellingKey) };
}

/** The key of a subreddit's spelling. */
export function spellingKey(subreddit: string): string {
  return documentKey({ type: "subreddit", subreddit });
}

/** The latest spellings of subreddits by key, from the documents of all parts. */
export function mergedSpellings(
  documents: readonly DocumentOf<"subreddit">[],
): ReadonlyMap<string, Spelling> {
  const groups = Map.groupBy(documents, ({ subreddit }) => subreddit);
  return new Map([...groups].map(([key, spellings]) => [key, mergeSpellings(spellings)]));
}

/**
 * The latest spelling of the subreddit that a round asked for by {@linkcode spellingsQuestion}, under
 * the name `names`.
 *
 * @throws {Problem} 404 or 503, see {@linkcode unknownName}.
 */
export function shownName(
  reading: Reading,
  { name, round, stored }: {
    /** The name as it was asked for. */
    readonly name: string;
    readonly round: Round;
    /** Batch's documents of it. */
    readonly stored: readonly DocumentOf<"subreddit">[];
  },
): string {
  const [found] = mergedSpellings([...stored, ...round.documents<"subreddit">("names")]).values();
  if (found !== undefined) return found.name;
  reading.include(round);
  const topics = TOPICS_OF.subreddit_activity;
  throw unknownName(reading, { kind: "subreddit", name, topics });
}

/**
 * Refuses to look up names in a generation with other definitions of the views, which may compare
 * names by another rule.
 *
 * @throws {Problem} 503
 */
export async function refuseOtherRules(reading: Reading): Promise<void> {
  const { generation, definition, settings } = reading.manifest;
  if (definition === definitionHash(settings)) return;
  const detail =
    `Generation ${generation} was built by other definitions of the views, in which names ` +
    `cannot be looked up: the next run of batch replaces it`;
  reading.include(await reading.live({}));
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
  const notYet = (why: string) => {
    const detail = `It is not known yet whether there is ${what}: ${why}`;
    return new Problem(503, detail, { retryAfter: 5, provenance });
  };
  const unfolded = reading.unfolded(topics);
  if (unfolded.length > 0) {
    return notYet(
      `speed has not begun with ${unfolded.join(", ")} in generation ${generation}`,
    );
  }
  const behind = reading.behind(topics);
  if (behind.length > 0) return notYet(`"at_least" is not reached in ${behind.join(", ")}`);
  return new Problem(404, `No record in generation ${generation} names ${what}`, { provenance });
}
