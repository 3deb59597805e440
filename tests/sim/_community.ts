/**
 * What people write, as producers send it: in every form that is allowed and in every
 * form that is not, late, early, twice, under names that break careless code, and in every spelling of them.
 *
 * @module
 */

import { encodeRecord, type Entity, keyOf, type Topic, topicOf, TOPICS } from "@pipeline/core";
import type { Random } from "./_random.ts";

/** A record to send, and what has to become of it. */
export interface Item {
  readonly topic: Topic;
  readonly key: string;
  readonly value: Uint8Array | null;
  /** The fact that it states; absent where it must become a dead letter. */
  readonly fact?: Entity;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Names of users. */
export const USERS = [
  "u1",
  "U1",
  "u2",
  "U2",
  "u3",
  "u4",
  "u5",
  "__proto__",
  "constructor",
  "toString",
]
  .concat(["tostring", "ünï|cødé", "ünï|CØDÉ", "Ünï|Cødé"]);
/** Names of subreddits. */
export const SUBREDDITS = [
  "deno",
  "Deno",
  "DENO",
  "helm",
  "a/b|c%7C",
  "A/B|C%7c",
  "__proto__",
  "hasOwnProperty",
]
  .concat(["日本語", "été", "ÉTÉ"]);
const encoder = new TextEncoder();

/** Makes records. */
export class Community {
  readonly #random: Random;
  readonly #posts: Extract<Entity, { kind: "post" }>[] = [];
  readonly #comments: Extract<Entity, { kind: "comment" }>[] = [];
  readonly #sent: Item[] = [];
  #ids = 0;

  /** @param now event time is made around it. */
  constructor(random: Random, readonly now: () => number, readonly options: CommunityOptions = {}) {
    this.#random = random;
  }

  /** The next record to send. */
  next(): Item {
    const random = this.#random;
    if (this.#sent.length > 0 && random.chance(0.06)) return random.pick(this.#sent);
    const item = random.chance(0.05) ? this.#poison() : itemOf(this.fact(), this.#encoding());
    this.#sent.push(item);
    return item;
  }

  /** The next fact. */
  fact(): Entity {
    const random = this.#random;
    const choice = random.next();
    if (this.#posts.length === 0 || choice < 0.2) return this.#post();
    if (choice < 0.35) return this.#later(random.pick(this.#posts), this.#posts);
    if (choice < 0.42 && this.#comments.length > 0) {
      return this.#later(random.pick(this.#comments), undefined);
    }
    if (choice < 0.52) return this.#account();
    if (choice < 0.55 && this.#comments.length > 0) return this.#contradiction();
    return this.#comment();
  }

  #time(): number {
    const random = this.#random;
    // Of whole seconds, so that every form can state it.
    const now = Math.floor(this.now() / 1000) * 1000;
    const choice = random.next();
    if (choice < 0.7) return now - random.int(600) * 1000;
    if (choice < 0.95) return now - random.int(4 * 86_400) * 1000;
    return now + random.int(12 * 3_600) * 1000;
  }

  #post(): Entity {
    const random = this.#random;
    const created = this.#time();
    const post = {
      kind: "post" as const,
      post_id: this.#id("t3"),
      user_id: random.pick(USERS),
      subreddit: random.pick(SUBREDDITS),
      title: `title ${random.int(100)} "\u2028`,
      content: "",
      score: random.between(-3, 20),
      num_comments: random.int(5),
      created_utc: created,
      timestamp: created,
    };
    this.#posts.push(post);
    return post;
  }

  #comment(): Entity {
    const random = this.#random;
    const post = random.pick(this.#posts);
    const created = this.#time();
    const known = this.options.unknown === false || random.chance(0.75);
    const comment = {
      kind: "comment" as const,
      comment_id: this.#id("t1"),
      // Some comments come without their post, or long before it.
      post_id: random.chance(0.05) ? `t3_missing${random.int(3)}` : post.post_id,
      user_id: random.pick(USERS),
      content: "text",
      score: random.int(9),
      created_utc: created,
      timestamp: created,
      ...(known ? { subreddit: post.subreddit } : {}),
    };
    this.#comments.push(comment);
    return comment;
  }

  /**
   * An update: a vote, an edit; some at the very same time as another one, and some that announce
   * again, as archives do that were made later.
   */
  #later<T extends Entity>(entity: T, known: T[] | undefined): Entity {
    const random = this.#random;
    const timestamp = entity.created_utc + random.pick([1, 1, 60_000, HOUR, HOUR, 5 * HOUR]);
    const seen = random.chance(0.2) ? { retrieved_utc: timestamp } : { timestamp };
    const update = { ...entity, ...seen, score: random.between(-3, 20) };
    if (entity.kind === "post" && random.chance(0.1)) {
      Object.assign(update, { subreddit: random.pick(SUBREDDITS) });
      known?.push(update);
    }
    return update;
  }

  #account(): Entity {
    const random = this.#random;
    const created = this.#time() - 5 * DAY;
    return {
      kind: "user",
      user_id: random.pick(USERS),
      username: random.pick(["Ann", "Bob", ""]),
      karma: random.between(-5, Number.MAX_SAFE_INTEGER - 5),
      created_utc: created,
      timestamp: created + random.pick([0, DAY, DAY]),
    };
  }

  /** Announces what was announced already, with something else in it. */
  #contradiction(): Entity {
    const random = this.#random;
    const { subreddit, ...comment } = random.pick(this.#comments);
    const changed = random.int(3);
    return {
      ...comment,
      ...(changed === 0 ? { user_id: random.pick(USERS) } : {}),
      ...(changed === 1 ? { post_id: random.pick(this.#posts).post_id } : {}),
      ...(changed === 2
        ? { subreddit: random.pick(SUBREDDITS) }
        : subreddit === undefined || (this.options.unknown !== false && random.chance(0.3))
        ? {}
        : { subreddit }),
    };
  }

  #id(prefix: string): string {
    return `${prefix}_${(++this.#ids).toString(36)}${this.#random.pick(["", "|", "/x", "%"])}`;
  }

  #encoding(): Encoding {
    return this.#random.chance(0.6) ? "canonical" : this.#random.pick(ENCODINGS);
  }

  #poison(): Item {
    const random = this.#random;
    const fact = this.fact();
    const wire = JSON.parse(encodeRecord(fact)) as Record<string, unknown>;
    const text = JSON.stringify(wire);
    const late = fact.timestamp - 1000;
    const future = Math.max(this.now(), fact.timestamp) + 3 * DAY;
    const value = random.pick<Uint8Array | string | null | Record<string, unknown>>([
      null,
      "",
      "{",
      text.slice(0, -1),
      `${text}x`,
      "null",
      "[]",
      "7",
      new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
      new Uint8Array([0xef, 0xbb, 0xbf, ...encoder.encode(text)]),
      { ...wire, user_id: undefined },
      { ...wire, user_id: "" },
      { ...wire, user_id: 7 },
      { ...wire, user_id: null },
      { ...wire, user_id: "x".repeat(101) },
      { ...wire, user_id: "\ud800" },
      { ...wire, ...oneNumber(fact, 2 ** 53) },
      { ...wire, ...oneNumber(fact, 1.5) },
      { ...wire, ...oneNumber(fact, "seven") },
      { ...wire, created_utc: undefined },
      { ...wire, created_utc: "yesterday" },
      { ...wire, created_utc: "2026-02-30T00:00:00Z", timestamp: "2026-03-03T00:00:00Z" },
      { ...wire, created_utc: -1 },
      { ...wire, created_utc: fact.timestamp, timestamp: late },
      { ...wire, timestamp: future },
      { ...wire, timestamp: new Date(future).toISOString() },
      // Milliseconds taken for seconds, and the other way round.
      { ...wire, timestamp: fact.timestamp * 1000 },
      { ...wire, created_utc: fact.created_utc, timestamp: Math.floor(fact.timestamp / 1e6) },
    ]);
    const bytes = value === null || value instanceof Uint8Array
      ? value
      : encoder.encode(typeof value === "string" ? value : JSON.stringify(value));
    return { topic: topicOf(fact), key: random.chance(0.1) ? "" : keyOf(fact), value: bytes };
  }
}

/** What a community does without. */
export interface CommunityOptions {
  /** Whether some comments come without their subreddit. */
  readonly unknown?: boolean;
}

function oneNumber(fact: Entity, value: unknown): Record<string, unknown> {
  return fact.kind === "user" ? { karma: value } : { score: value };
}

const ENCODINGS = ["seconds", "milliseconds", "zone", "extra", "spaces"] as const;
type Encoding = "canonical" | (typeof ENCODINGS)[number];

/** A fact in one of the forms that are allowed on the wire. */
export function itemOf(fact: Entity, encoding: Encoding = "canonical"): Item {
  // Other producers may put the spellings of a name into several partitions.
  const key = encoding === "canonical"
    ? keyOf(fact)
    : fact.kind === "user"
    ? fact.user_id
    : keyOf(fact);
  const item = { topic: topicOf(fact), key };
  const canonical = encodeRecord(fact);
  if (encoding === "canonical") return { ...item, value: encoder.encode(canonical), fact };
  const wire = JSON.parse(canonical) as Record<string, unknown>;
  let stated = fact;
  const { created_utc: created, timestamp } = fact;
  switch (encoding) {
    case "seconds":
      if ((created % 1000) + (timestamp % 1000) === 0) {
        Object.assign(wire, { created_utc: created / 1000, timestamp: timestamp / 1000 });
      }
      break;
    case "milliseconds":
      Object.assign(wire, { created_utc: created, timestamp });
      break;
    case "zone":
      wire.created_utc = new Date(created + 2 * HOUR).toISOString().replace("Z", "+02:00");
      break;
    case "extra": {
      const extra = JSON.parse('{"__proto__":{"x":[1,null]},"flair":"ß"}');
      Object.defineProperty(wire, "__proto__", {
        value: extra["__proto__"],
        enumerable: true,
      });
      wire.flair = extra.flair;
      stated = { ...fact, extra };
      break;
    }
    case "spaces":
      break;
  }
  const text = encoding === "spaces" ? JSON.stringify(wire, undefined, 2) : JSON.stringify(wire);
  return { ...item, value: encoder.encode(text), fact: stated };
}

/** All topics of facts and the dead letters. */
export const SPECS = (partitions: number) => [
  ...TOPICS.map((topic) => ({ topic: topic as string, partitions })),
  { topic: "reddit.dlq", partitions: 1 },
];
