/**
 * The forms of answers, as OpenAPI describes them.
 *
 * @module
 */

import { TOPICS, VIEWS, WINDOW_NAMES } from "@pipeline/core";
import { z } from "@hono/zod-openapi";
import { SORTS } from "../queries/subreddits.ts";

const time = z.string().openapi({ format: "date-time", example: "2026-01-31T12:00:00.000Z" });
const count = z.int().min(0);

function byTopic<T extends z.ZodType>(offset: T) {
  return z.strictObject({
    [TOPICS[0]]: z.array(offset).readonly(),
    [TOPICS[1]]: z.array(offset).readonly(),
    [TOPICS[2]]: z.array(offset).readonly(),
  });
}

const offsets = byTopic(count).openapi("Offsets", {
  description: "Offsets by topic; the position in each list is the partition.",
});

const provenance = z.strictObject({
  generation: z.int().openapi({ description: "The generation of the views that was read." }),
  horizon: offsets.openapi({ description: "The first offsets that batch has not folded." }),
  folded: byTopic(count.nullable()).openapi({
    description: "The first offsets that speed has not folded; null where it has not begun. " +
      "The answer includes every record below.",
  }),
  sources: byTopic(z.enum(["memory", "store"]).nullable()).openapi({
    description:
      "Where the records from the horizon on come from: the memory of a fold of speed, " +
      "or the store; null where speed has not begun.",
  }),
  lag: count.nullable().openapi({
    description: "Records in the log beyond `folded`; null where the end of the log is not known.",
  }),
  partial: z.boolean().openapi({ description: "Whether anything is missing." }),
  missing: z.array(z.string()).readonly().openapi({
    description: "What is missing: `speed`, a partition (not folded yet, stopped, or below " +
      "`at_least`), `store` or `log`.",
    example: [],
  }),
  definition: z.string().openapi({ description: "Hash of the views' definitions." }),
}).openapi("Provenance");

function shownName(what: string) {
  return z.string().openapi({
    description: `The ${what} in its latest spelling; A to Z compare without case.`,
  });
}

/** The best posts of a subreddit. */
export const topAnswer = z.strictObject({
  subreddit: shownName("subreddit"),
  items: z.array(z.strictObject({
    post_id: z.string(),
    title: z.string(),
    user_id: z.string().openapi({ description: "The author as the post's last version has it." }),
    score: z.int(),
    num_comments: z.int(),
    created_utc: time,
    timestamp: time.openapi({ description: "When the post was in this state." }),
  })),
  exact: z.boolean().openapi({
    description: "Whether it is proved that no other post belongs among the items.",
  }),
  provenance,
}).openapi("TopPosts");

/** A subreddit's activity. */
export const activityAnswer = z.strictObject({
  subreddit: shownName("subreddit"),
  window: z.enum(WINDOW_NAMES),
  items: z.array(
    z.strictObject({ window_start: time, posts: count, comments: count, active_users: count }),
  ).openapi({ description: "Ascending; windows without records are left out." }),
  provenance,
}).openapi("SubredditActivity");

/** Subreddits of a window. */
export const subredditsAnswer = z.strictObject({
  window: z.enum(WINDOW_NAMES),
  window_start: time.nullable().openapi({ description: "Null where no window holds anything." }),
  sort: z.enum(SORTS),
  items: z.array(z.strictObject({
    subreddit: shownName("subreddit"),
    posts: count,
    comments: count,
    active_users: count,
    trend: z.number().min(0).nullable().optional().openapi({
      description: "The window's posts and comments over the mean of the 24 windows before; null " +
        "where those are empty. Only with sort=trending.",
    }),
  })),
  provenance,
}).openapi("Subreddits");

/** A user's activity. */
export const userAnswer = z.strictObject({
  user_id: shownName("user"),
  window: z.enum(WINDOW_NAMES),
  items: z.array(z.strictObject({ window_start: time, posts: count, comments: count })),
  totals: z.strictObject({
    posts: count,
    comments: count,
    subreddits: count,
    karma: z.int().nullable(),
    last_active: time.nullable(),
  }).openapi({ description: "Over all time." }),
  provenance,
}).openapi("UserActivity");

const speed = z.strictObject({
  partitions: count,
  records: count,
  dead_letters: count,
  duplicates: count,
  retired: count,
  unresolved: count,
  keys: count,
});

/** The state of the pipeline. */
export const statusAnswer = z.strictObject({
  generation: z.int(),
  state: z.enum(["building", "prepared", "live", "previous", "failed"]),
  horizon: offsets,
  folded: byTopic(count.nullable()),
  // Not nullable(): the referenced schema would have to be nullable, too.
  ends: z.union([offsets, z.null()]).openapi({
    description: "The end of the log, where it is known.",
  }),
  lag: count.nullable(),
  layers: z.strictObject({
    batch: z.strictObject({ records: count, unresolved: count, keep: count }),
    speed,
  }),
  documents: z.strictObject({ [VIEWS[0]]: count, [VIEWS[1]]: count, [VIEWS[2]]: count }),
  provenance,
}).openapi("Status");

/** Problem details, RFC 9457. */
export const problemAnswer = z.strictObject({
  type: z.string().openapi({ example: "about:blank" }),
  title: z.string().openapi({ example: "Bad Request" }),
  status: z.int().openapi({ example: 400 }),
  detail: z.string().openapi({
    example: 'Parameter "k" is "many": it must be an integer between 1 and 100',
  }),
  instance: z.string(),
  provenance: provenance.optional().openapi({
    description: "The provenance of the finding that the name is unknown.",
  }),
}).openapi("Problem");

/** The content of refusals and failures. */
export const PROBLEM = { content: { "application/problem+json": { schema: problemAnswer } } };

/** The answers that every operation may give besides. */
export const OTHERWISE = {
  description:
    "Whatever else is refused (an address that is too long, a body, another method than GET and HEAD) " +
    "or fails",
  ...PROBLEM,
};
