/**
 * A dataset for both sides of the comparison: generated history, and disorder of its
 * own that the views must see through.
 *
 * @module
 */

import {
  type Comment,
  encodeRecord,
  type Entity,
  type Post,
  topicOf,
  TOPICS,
} from "@pipeline/core";
import { history, Random } from "@pipeline/generator";

const END = Date.UTC(2026, 0, 31);

/** Names that break careless quoting, sorting and objects. */
const AWKWARD = [
  "__proto__",
  "constructor",
  '"',
  "o'clock",
  "\\",
  "\uffee",
  "🎈",
  "a|b",
  "NULL",
  "Éé",
];

/** Records in no order: late, twice, contradicting one another, tied and oddly named. */
export function disorderedHistory(): Entity[] {
  const random = new Random(7, "differential");
  const records = [...history({
    seed: 7,
    end: END,
    days: 2,
    scale: 0.3,
    subreddits: 12,
    users: 3000,
    unknownSubreddit: 60,
  })];
  const disordered = records.flatMap((record) => {
    const copies: Entity[] = [rename(record, random)];
    if (random.chance(30)) copies.push(copies[0]!);
    if (random.chance(40)) copies.push(contradict(copies[0]!, random));
    // As archives have them: all announce, and some say when they were retrieved.
    return copies.map((copy) => random.chance(4) ? retrieve(copy, random) : copy);
  });
  for (let i = disordered.length - 1; i > 0; i--) {
    const j = Math.floor(random.float() * (i + 1));
    [disordered[i], disordered[j]] = [disordered[j]!, disordered[i]!];
  }
  return disordered;
}

function rename(record: Entity, random: Random): Entity {
  // The same name always goes to the same awkward one, in all records of an entity.
  const odd = (name: string) =>
    AWKWARD[(name.charCodeAt(name.length - 1) + name.length) % 97] ?? name;
  const user_id = respell(odd(record.user_id), random);
  if (record.kind === "user") return { ...record, user_id };
  if (record.subreddit === undefined) return { ...record, user_id };
  // Some posts move, which gives them a register in each place.
  const subreddit = random.chance(5) ? "🎈 elsewhere" : odd(record.subreddit);
  return { ...record, user_id, subreddit: respell(subreddit, random) };
}

/** The name in another case, now and then; beyond ASCII that is another name. */
function respell(name: string, random: Random): string {
  if (random.chance(150)) return name.toUpperCase();
  return random.chance(150) ? name.toLowerCase() : name;
}

function retrieve(record: Entity, random: Random): Entity {
  const after = [-1, 0, 1, 60_000, 86_400_000][Math.floor(random.float() * 5)]!;
  return { ...record, retrieved_utc: record.created_utc + after };
}

/** Another record of the same moment, in one respect or another. */
function contradict(record: Entity, random: Random): Entity {
  const way = Math.floor(random.float() * 4);
  const other = respell(AWKWARD[Math.floor(random.float() * AWKWARD.length)]!, random);
  if (record.kind === "user") {
    return way < 2 ? { ...record, karma: record.karma * 10 + way } : { ...record, username: other };
  }
  if (way === 0 && random.chance(500)) return { ...record, user_id: record.user_id.toUpperCase() };
  if (way === 0) return { ...record, user_id: other };
  if (way === 1) return { ...record, subreddit: other };
  if (record.kind === "post") {
    const changed: Partial<Post> = way === 2 ? { title: other } : { score: record.score + 9 };
    return { ...record, ...changed };
  }
  const { subreddit: _, ...unknown } = record;
  return way === 2 ? unknown satisfies Comment : { ...record, content: other };
}

/** Writes the records as the dataset holds them: JSON lines, a file a kind. */
export async function writeDataset(folder: string, records: readonly Entity[]): Promise<void> {
  for (const topic of TOPICS) {
    const lines = records.filter((record) => topicOf(record) === topic).map(encodeRecord);
    await Deno.writeTextFile(`${folder}/${topic}.json`, lines.join("\n") + "\n");
  }
}
