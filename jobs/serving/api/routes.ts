/**
 * The endpoints of the views: their parameters, and how answers are made from documents.
 *
 * @module
 */

import { BASELINE_WINDOWS, DEFAULT_SETTINGS, formatTime, WINDOW_NAMES } from "@pipeline/core";
import { allowed, explain } from "@pipeline/runtime";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "../problem.ts";
import { type DocumentCounts, status } from "../queries/status.ts";
import { subredditActivity } from "../queries/subreddit_activity.ts";
import { listSubreddits, SORTS } from "../queries/subreddits.ts";
import { topPosts } from "../queries/top_posts.ts";
import { userActivity } from "../queries/user_activity.ts";
import { DEFAULT_WINDOWS, MAX_WINDOWS } from "../queries/windows.ts";
import { withReading } from "../reading/reading.ts";
import type { Source } from "../reading/source.ts";
import {
  integerParameter,
  nameParameter,
  offsetsParameter,
  timeParameter,
  windowParameter,
  wordParameter,
} from "./parameters.ts";
import {
  activityAnswer,
  OTHERWISE,
  PROBLEM,
  statusAnswer,
  subredditsAnswer,
  topAnswer,
  userAnswer,
} from "./schemas.ts";

const subreddit = nameParameter("subreddit", "AskReddit");
const range = {
  from: timeParameter("from", {
    description: "Windows that start from here on are given",
    example: "2026-01-31T00:00:00Z",
  }),
  to: timeParameter("to", {
    description: "Windows that start here or later are not given",
    example: "2026-02-01T00:00:00Z",
  }),
};

const at_least = offsetsParameter("at_least", {
  description: "The answer should include all records before these offsets, such as those of the " +
    "`folded` of an earlier answer. A partition that has not reached its offset is named in " +
    "`missing`; nothing is waited for",
  example: '{"reddit.posts":[0,0,null]}',
});

/** Rules that concern several parameters. */
const RANGE_RULES =
  "`from` must be before `to`; neither need be the start of a window. There may be at most " +
  `${MAX_WINDOWS} windows from \`from\` to \`to\`. Where \`to\` is not given, it is the end of the latest ` +
  `window; where \`from\` is not, it is ${
    WINDOW_NAMES.map((window) => `${DEFAULT_WINDOWS[window]} windows of ${window}`).join(", ")
  } before \`to\`. Where older windows are dropped, neither may lie before the first one that is kept: the ` +
  "refusal names it.";

/** The description of the answer for an unknown name. */
const UNKNOWN = {
  description:
    "No record contains it: a proof, with its provenance. A name that records contain is " +
    "answered with 200, also where nothing of it is in the windows that were asked for",
};

const top = endpoint({
  path: "/v1/subreddits/{subreddit}/top",
  summary: "The best posts of a subreddit: by score, then the later one, then the greater id",
  params: { subreddit },
  query: { k: integerParameter("k", { min: 1, max: 100, default: 10 }), at_least },
  answer: topAnswer,
});

const activity = endpoint({
  path: "/v1/subreddits/{subreddit}/activity",
  summary: "Posts, comments and active users of a subreddit, a window each",
  rules: RANGE_RULES,
  params: { subreddit },
  query: { window: windowParameter("1h"), ...range, at_least },
  answer: activityAnswer,
});

const subreddits = endpoint({
  path: "/v1/subreddits",
  summary: "The first subreddits of one window",
  rules:
    "Where older windows are dropped, `at` must lie in one that is kept; with `sort` trending, the " +
    `${BASELINE_WINDOWS} windows before it must be kept too.`,
  params: {},
  query: {
    sort: wordParameter("sort", SORTS, "trending"),
    window: windowParameter("1h"),
    limit: integerParameter("limit", { min: 1, max: 500, default: 20 }),
    at: timeParameter("at", {
      description: "A time within the window; the latest one where not given",
      example: "2026-01-31T12:00:00Z",
    }),
    at_least,
  },
  answer: subredditsAnswer,
});

const user = endpoint({
  path: "/v1/users/{user_id}/activity",
  summary: "Posts and comments of a user, a window each, and totals",
  rules:
    "Users are counted in windows of the sizes that batch is configured with (`views.userWindows`; " +
    `${
      DEFAULT_SETTINGS.userWindows.join(" and ")
    } where nothing is): \`window\` must be one of these. ` + RANGE_RULES,
  params: { user_id: nameParameter("user_id", "giant_lantern") },
  query: { window: windowParameter("1d"), ...range, at_least },
  answer: userAnswer,
});

const state = endpoint({
  path: "/v1/status",
  summary: "The generation, how far each layer is, and counts",
  params: {},
  query: { at_least },
  answer: statusAnswer,
});

/** The endpoints of the views. */
export function viewRoutes(source: Source, counts: DocumentCounts): OpenAPIHono {
  const app = new OpenAPIHono();
  app.openapi(top, async (context) => {
    const { k, at_least } = context.req.valid("query");
    const request = { ...context.req.valid("param"), k };
    const answer = await withReading(source, async (reading) => {
      const { name, items, exact } = await topPosts(reading, request);
      const shown = items.map((post) => ({
        post_id: post.post_id,
        title: post.title,
        user_id: post.user_id,
        score: post.score,
        num_comments: post.num_comments,
        created_utc: formatTime(post.created_utc),
        timestamp: formatTime(post.timestamp),
      }));
      const provenance = reading.provenance();
      return { subreddit: name, items: shown, exact: exact && reading.complete, provenance };
    }, { at_least });
    return context.json(answer, 200);
  }, refuse(top));
  app.openapi(activity, async (context) => {
    const { at_least, ...range } = context.req.valid("query");
    const request = { ...context.req.valid("param"), ...range };
    const answer = await withReading(source, async (reading) => {
      const { name, items } = await subredditActivity(reading, request);
      const provenance = reading.provenance();
      return { subreddit: name, window: range.window, items: withStarts(items), provenance };
    }, { at_least });
    return context.json(answer, 200);
  }, refuse(activity));
  app.openapi(subreddits, async (context) => {
    const { at_least, ...request } = context.req.valid("query");
    const { window, sort } = request;
    const answer = await withReading(source, async (reading) => {
      const { window_start: start, items } = await listSubreddits(reading, request);
      const window_start = start === null ? null : formatTime(start);
      return { window, window_start, sort, items: [...items], provenance: reading.provenance() };
    }, { at_least });
    return context.json(answer, 200);
  }, refuse(subreddits));
  app.openapi(user, async (context) => {
    const { at_least, ...range } = context.req.valid("query");
    const request = { ...context.req.valid("param"), ...range };
    const { window } = range;
    const answer = await withReading(source, async (reading) => {
      const { name, items, totals } = await userActivity(reading, request);
      const last_active = totals.last_active === null ? null : formatTime(totals.last_active);
      return {
        user_id: name,
        window,
        items: withStarts(items),
        totals: { ...totals, last_active },
        provenance: reading.provenance(),
      };
    }, { at_least });
    return context.json(answer, 200);
  }, refuse(user));
  app.openapi(state, async (context) => {
    const { at_least } = context.req.valid("query");
    const answer = await withReading(source, async (reading) => {
      const shown = await status(reading, counts);
      const provenance = reading.provenance();
      const { generation, horizon, folded, lag } = provenance;
      const ends = reading.ends ?? null;
      return { generation, horizon, folded, ends, lag, ...shown, provenance };
    }, { at_least });
    return context.json(answer, 200);
  }, refuse(state));
  return app;
}

function withStarts<T extends { readonly window_start: number }>(
  items: readonly T[],
): (Omit<T, "window_start"> & { readonly window_start: string })[] {
  return items.map((item) => ({ ...item, window_start: formatTime(item.window_start) }));
}

function endpoint<
  const P extends string,
  S extends z.core.$ZodLooseShape,
  Q extends z.core.$ZodLooseShape,
  A extends z.ZodType,
>(
  { path, summary, rules, params, query, answer }: {
    readonly path: P;
    readonly summary: string;
    /** Rules that concern several parameters. */
    readonly rules?: string;
    readonly params: S;
    readonly query: Q;
    readonly answer: A;
  },
) {
  return createRoute({
    method: "get",
    path,
    summary,
    ...(rules === undefined ? {} : { description: rules }),
    request: { params: z.strictObject(params), query: z.strictObject(query) },
    responses: {
      200: { description: "The answer", content: { "application/json": { schema: answer } } },
      400: { description: "A parameter is invalid", ...PROBLEM },
      ...("subreddit" in params || "user_id" in params ? { 404: { ...UNKNOWN, ...PROBLEM } } : {}),
      503: {
        description: "There is no generation yet, the store does not answer, or a part of the " +
          "generation that may know the name is missing or has not reached `at_least`",
        ...PROBLEM,
      },
      default: OTHERWISE,
    },
  });
}

/** Result of checking a request's parameters. */
type Checked =
  & { readonly target: string }
  & ({ readonly success: true } | { readonly success: false; readonly error: z.core.$ZodError });

/** Refuses invalid parameters: each with its name, its value and the allowed values. */
function refuse({ request: { params, query } }: Checks) {
  return (result: Checked, { req }: Context): undefined => {
    if (result.success) return;
    const inPath = result.target === "param";
    const schema = inPath ? params : query;
    const input: Record<string, unknown> = inPath ? req.param() : Object.fromEntries(
      Object.entries(req.queries()).map(([name, all]) => [name, all.length === 1 ? all[0] : all]),
    );
    // Parsed once more, for our own error texts.
    const { issues } = schema.safeParse(input, { error: allowed }).error ?? result.error;
    const lines = explain(issues, schema, input, (path) => `Parameter ${JSON.stringify(path[0])}`);
    throw new Problem(400, lines.join("; "));
  };
}

interface Checks {
  readonly request: { readonly params: z.ZodType; readonly query: z.ZodType };
}
