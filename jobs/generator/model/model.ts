/**
 * The model of user activity, for history and live traffic alike. Given a time, it returns the next
 * record; it reads no clock.
 *
 * @module
 */

import type { Comment, Entity, Post, User } from "@pipeline/core";
import { subredditName } from "./names.ts";
import { Population, type Registration, userFact } from "./population.ts";
import { fnv1a, Random } from "./random.ts";
import { Texts } from "./texts.ts";
import { Zipf } from "./zipf.ts";

/** Parameters of a model. Equal options and times give equal records. */
export interface ModelOptions {
  /** A safe integer. */
  readonly seed: number;
  /** Number of subreddits; 200 by default. */
  readonly subreddits?: number;
  /** Number of users who are active from the start; 5,000 by default. */
  readonly users?: number;
  /**
   * When those users register. A history passes its own range, a live run that of the history it
   * follows. All at once in 2020 by default.
   */
  readonly registration?: Registration;
  /** Number of a live run, part of all its ids, so that runs of one seed share none. */
  readonly run?: number;
  /** Comments that leave out their subreddit, per mille; 0 by default. */
  readonly unknownSubreddit?: number;
}

/** Shares of the kinds of events, per mille; the rest are comments. */
const SHARES = { post: 100, vote: 200, edit: 40, karma: 50, signup: 10 } as const;

const REMEMBERED_POSTS = 32_768;
const REMEMBERED_COMMENTS = 4_096;
const REMEMBERED_SIGNUPS = 1_024;

/** Per mille of authors who are among the latest sign-ups. */
const NEWCOMERS = 30;

const DEFAULT_REGISTRATION = Date.UTC(2020, 0, 1);

/** A post that still changes, and its attraction. */
interface LivePost {
  post: Post;
  comments: number;
  readonly heat: number;
}

/** Generates records; see {@linkcode ModelOptions}. */
export class Model {
  /** The users who are active from the start. The caller must emit their announcements. */
  readonly population: Population;
  readonly #random: Random;
  readonly #texts: Texts;
  readonly #subredditRanks: Zipf;
  readonly #userRanks: Zipf;
  readonly #subreddits: readonly string[];
  readonly #unknownSubreddit: number;
  readonly #scope: string;
  readonly #posts: LivePost[] = [];
  readonly #comments: Comment[] = [];
  readonly #signups: User[] = [];
  #postCount = 0;
  #commentCount = 0;
  #signupCount = 0;

  /** Starts without state: the first record is a post or a user. */
  constructor(options: ModelOptions) {
    const { seed, subreddits = 200, users = 5_000, run, unknownSubreddit = 0 } = options;
    const registration = options.registration ??
      { from: DEFAULT_REGISTRATION, to: DEFAULT_REGISTRATION };
    this.population = new Population(users, registration);
    this.#random = new Random(seed, run === undefined ? "history" : `run ${run}`);
    this.#texts = new Texts(seed);
    this.#subredditRanks = new Zipf(subreddits, 2);
    this.#userRanks = new Zipf(users, 8);
    this.#subreddits = Array.from({ length: subreddits }, (_, rank) => subredditName(rank));
    this.#unknownSubreddit = unknownSubreddit;
    // Short ids are flat strings from the start, which makes them cheap to write.
    const tag = (fnv1a(String(seed)) % 36 ** 3).toString(36).padStart(3, "0");
    this.#scope = run === undefined ? `${tag}h` : `${tag}${run}x`;
  }

  /**
   * The next record, with `time` as its timestamp.
   *
   * @param time milliseconds since 1970; never less than in the previous call.
   */
  next(time: number): Entity {
    let draw = this.#random.below(1000) - SHARES.post;
    if (draw < 0) return this.#newPost(time);
    if ((draw -= SHARES.vote) < 0) return this.#vote(time) ?? this.#newPost(time);
    if ((draw -= SHARES.edit) < 0) return this.#edit(time) ?? this.#newPost(time);
    if ((draw -= SHARES.karma) < 0) return this.#karma(time) ?? this.#newPost(time);
    if ((draw -= SHARES.signup) < 0) return this.#signup(time);
    return this.#newComment(time) ?? this.#newPost(time);
  }

  #newPost(time: number): Post {
    const random = this.#random;
    const post: Post = {
      kind: "post",
      post_id: `t3_${this.#scope}${this.#postCount.toString(36)}`,
      user_id: this.#author(time),
      subreddit: this.#subreddits[this.#subredditRanks.sample(random)]!,
      title: this.#texts.title(random),
      // Two of five posts are links, which have no text of their own.
      content: random.chance(400) ? "" : this.#texts.body(random),
      score: 1,
      num_comments: 0,
      created_utc: time,
      timestamp: time,
    };
    const heat = Math.min(200, 1 / (1 - random.float()));
    this.#posts[this.#postCount++ % REMEMBERED_POSTS] = { post, comments: 0, heat };
    return post;
  }

  #newComment(time: number): Comment | undefined {
    const random = this.#random;
    const parent = this.#hotPost(time);
    if (parent === undefined) return undefined;
    parent.comments++;
    const known: Comment = {
      kind: "comment",
      comment_id: `t1_${this.#scope}${this.#commentCount.toString(36)}`,
      post_id: parent.post.post_id,
      user_id: this.#author(time),
      content: this.#texts.body(random),
      score: 1,
      created_utc: time,
      timestamp: time,
      subreddit: parent.post.subreddit,
    };
    // Drawn in any case, so that the option changes only this field.
    const comment = random.chance(this.#unknownSubreddit) ? withoutSubreddit(known) : known;
    this.#comments[this.#commentCount++ % REMEMBERED_COMMENTS] = comment;
    return comment;
  }

  #vote(time: number): Post | undefined {
    const live = this.#hotPost(time);
    if (live === undefined) return undefined;
    const change = this.#random.chance(120) ? -1 : 1 + Math.floor(this.#random.float() * live.heat);
    return live.post = update(live, live.post.score + change, live.post.content, time);
  }

  #edit(time: number): Entity | undefined {
    const content = this.#texts.body(this.#random);
    if (this.#random.chance(400)) {
      const live = this.#hotPost(time);
      if (live === undefined) return undefined;
      return live.post = update(live, live.post.score, content, time);
    }
    const size = Math.min(this.#commentCount, REMEMBERED_COMMENTS);
    if (size === 0) return undefined;
    const at = this.#random.below(size);
    const comment = this.#comments[at]!;
    if (comment.created_utc >= time) return undefined;
    const edited = { ...comment, content, score: comment.score + 1, timestamp: time };
    this.#comments[at] = edited;
    return edited;
  }

  #karma(time: number): User | undefined {
    const count = this.population.count(time);
    if (count === 0) return undefined;
    const rank = this.#userRanks.sample(this.#random) % count;
    return this.population.registered(rank) < time ? this.population.fact(rank, time) : undefined;
  }

  #signup(time: number): User {
    const number = this.#signupCount++;
    const name = this.population.id((fnv1a(this.#scope) + number) % this.population.size);
    const user = userFact(`${name}_${this.#scope}${number.toString(36)}`, time, time, 1);
    this.#signups[number % REMEMBERED_SIGNUPS] = user;
    return user;
  }

  #author(time: number): string {
    const random = this.#random;
    if (this.#signupCount > 0 && random.chance(NEWCOMERS)) {
      return this.#signups[random.below(this.#signups.length)]!.user_id;
    }
    // Before the first registration, the first user is the author.
    return this.population.id(this.#userRanks.sample(random) % (this.population.count(time) || 1));
  }

  /** The hotter of two posts, recent ones more likely than old ones. */
  #hotPost(time: number): LivePost | undefined {
    const one = this.#recentPost(time);
    const other = this.#recentPost(time);
    if (one === undefined || other === undefined) return one ?? other;
    return one.heat >= other.heat ? one : other;
  }

  #recentPost(time: number): LivePost | undefined {
    const size = Math.min(this.#postCount, REMEMBERED_POSTS);
    if (size === 0) return undefined;
    const u = this.#random.float();
    const age = Math.floor(size * u * u * u);
    const live = this.#posts[(this.#postCount - 1 - age) % REMEMBERED_POSTS]!;
    return live.post.created_utc < time ? live : undefined;
  }
}

function update({ post, comments }: LivePost, score: number, content: string, time: number): Post {
  return {
    kind: "post",
    post_id: post.post_id,
    user_id: post.user_id,
    subreddit: post.subreddit,
    title: post.title,
    content,
    score,
    num_comments: comments,
    created_utc: post.created_utc,
    timestamp: time,
  };
}

function withoutSubreddit({ subreddit: _, ...comment }: Comment): Comment {
  return comment;
}
