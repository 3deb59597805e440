/**
 * The form of the questions that the folds are asked.
 *
 * @module
 */

import { VIEWS, WINDOW_NAMES, WINDOWS } from "@pipeline/core";
import { PARTS_BOUNDS, type PartsRequest } from "@pipeline/protocol";
import { integer } from "@pipeline/runtime";
import { z } from "zod";

const view = z.enum(VIEWS);

const key = z.string().min(1);

const query = z.strictObject({
  type: z.enum(["post", "cut", "subreddit", "activity", "user_window", "user_total"]).optional(),
  subreddit: key.optional(),
  user_id: key.optional(),
  window: z.enum(WINDOW_NAMES).optional(),
  from: integer().optional(),
  to: integer().optional(),
  order: z.enum(["id", "rank", "window", "latest"]),
  limit: integer({ min: 1, max: PARTS_BOUNDS.documents }),
});

const totals = z.strictObject({
  window: z.enum(WINDOW_NAMES),
  from: integer(),
  to: integer(),
}).refine(({ window, from, to }) => to - from <= PARTS_BOUNDS.windows * WINDOWS[window], {
  error: `a range of at most ${PARTS_BOUNDS.windows} windows`,
});

const question = z.union([
  z.strictObject({ view, keys: z.array(key) }),
  z.strictObject({ view, query }),
  z.strictObject({ totals }),
]);

/** A request of questions, within its bounds. */
export const partsRequest: z.ZodType<PartsRequest> = z.strictObject({
  generation: integer(),
  identity: z.string(),
  questions: z.array(question).max(PARTS_BOUNDS.questions),
}).refine(
  ({ questions }) => {
    const keys = questions.reduce(
      (sum, asked) => sum + ("keys" in asked ? asked.keys.length : 0),
      0,
    );
    return keys <= PARTS_BOUNDS.keys;
  },
  { path: ["questions"], error: `questions with at most ${PARTS_BOUNDS.keys} keys in all` },
) as z.ZodType<PartsRequest>;
