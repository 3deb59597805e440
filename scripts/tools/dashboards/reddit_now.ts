/**
 * *Reddit now*: the pipeline's results. What must be fresh comes from Prometheus, to which serving
 * exports its answers; the rest is read from the copy in Elasticsearch, beside its age.
 *
 * @module
 */

import * as units from "@grafana/grafana-foundation-sdk/units";
import type { DashboardSpec } from "./dashboard.ts";
import { above, bars, figure, lines, rows } from "./panels.ts";
import { max } from "./promql.ts";
import { documents, minutes, prom, sums, terms, type ViewTarget } from "./targets.ts";

/** Trends compare ten minutes with the mean of the 24 ten-minute windows before them. */
const BASELINE_WINDOWS = 24;

const perMinute: ViewTarget = {
  view: "subreddit_activity",
  query: "type:activity AND window:1m",
  buckets: [minutes("window_start")],
  metrics: sums("posts", "comments"),
};

/** Announcements of the one-minute windows within a range. */
function announced(range: string): ViewTarget {
  return {
    view: "subreddit_activity",
    query: `type:activity AND window:1m AND window_start:${range}`,
    buckets: [terms("subreddit", { size: 500, orderBy: "2" })],
    metrics: sums("posts", "comments"),
  };
}

const topPosts: ViewTarget = {
  view: "top_posts",
  query: "type:post AND score:>=$min_score",
  buckets: [],
  metrics: [documents(500)],
};

const users: ViewTarget = {
  view: "user_activity",
  query: "type:user_window AND window:1d",
  buckets: [terms("user_id", { size: 15, orderBy: "2" })],
  metrics: sums("posts", "comments"),
};

/**
 * The columns of top posts, in order. Not `created_utc`: the datasource reads the time field as
 * text only, and it is a number.
 */
const POST_COLUMNS = ["title", "subreddit", "score", "num_comments", "user_id", "timestamp"];

/** The title of the figure that shows how old the other panels of its section are. */
const AGE = "Age of the copy";

/** What the description of a panel over Elasticsearch ends with. */
const COPIED = `Reads the copy in Elasticsearch, which is as old as "${AGE}" shows.`;

/** *Reddit now*. */
export const REDDIT_NOW: DashboardSpec = {
  uid: "reddit-now",
  title: "Reddit now",
  description:
    "Current posts and comments, subreddits and users, merged from the speed and batch layers: fresh ones from serving, and analyses of Elasticsearch's copy.",
  variables: [{
    name: "min_score",
    label: "Least score of top posts",
    values: ["0", "10", "100", "1000", "10000"],
    chosen: "10",
  }],
  sections: [
    {
      title: "Now",
      lines: [
        {
          height: 4,
          panels: [
            figure({
              title: "Posts a minute",
              description: "Posts announced in the last whole minute.",
              unit: units.Short,
              targets: [prom(max("reddit_posts"))],
            }),
            figure({
              title: "Comments a minute",
              description: "Comments announced in the last whole minute.",
              unit: units.Short,
              targets: [prom(max("reddit_comments"))],
            }),
            figure({
              title: "Active users",
              description: "Distinct authors in the last whole minute.",
              unit: units.Short,
              targets: [prom(max("reddit_active_users"))],
            }),
            figure({
              title: "Visible after",
              description:
                "99 of 100 records of the last five minutes were in the answers within this time of being taken by the log.",
              unit: units.Seconds,
              steps: above(1, 5),
              targets: [prom(max("pipeline:visible_latency_seconds:p99_rate5m"))],
            }),
          ],
        },
        {
          height: 10,
          widths: [15, 9],
          panels: [
            lines({
              title: "Activity",
              description:
                "Posts and comments announced in the last whole minute, and their distinct authors, as serving answered at each time.",
              unit: units.Short,
              min: 0,
              targets: [
                prom(max("reddit_posts"), "posts"),
                prom(max("reddit_comments"), "comments"),
                prom(max("reddit_active_users"), "active users"),
              ],
            }),
            bars({
              title: "Busiest subreddits",
              description: "Posts and comments of the latest hour in the ten busiest subreddits.",
              unit: units.Short,
              min: 0,
              targets: [
                prom(
                  `sort_desc(${max("reddit_subreddit_records", "subreddit")})`,
                  "{{subreddit}}",
                ),
              ],
            }),
          ],
        },
      ],
    },
    {
      title: "Analyses of the copy in Elasticsearch",
      lines: [
        {
          height: 8,
          widths: [4, 20],
          panels: [
            figure({
              title: AGE,
              description:
                "Time since the oldest record that Elasticsearch lacks was folded: the age of the panels in this section. It grows with the load; the API and the panels above do not depend on it.",
              unit: units.Seconds,
              steps: above(300, 1_800),
              targets: [prom(max("speed_copy_age_seconds"))],
            }),
            lines({
              title: "Announced by minute",
              description:
                `Posts and comments by the minute of their creation, summed over all partitions and layers, also for times before this Prometheus. ${COPIED}`,
              unit: units.Short,
              min: 0,
              targets: [perMinute],
            }),
          ],
        },
        {
          height: 10,
          widths: [9, 15],
          panels: [
            rows({
              title: "Trending subreddits",
              description:
                `Posts and comments of the last ten minutes relative to the mean of the previous 24 times ten minutes: 1 is normal. Names are in lower case, their compared form. ${COPIED}`,
              unit: units.Short,
              timeFrom: "250m",
              targets: [
                announced("{now-10m TO now]"),
                announced("{now-250m TO now-10m]"),
              ],
              units: { times: "none" },
              transformations: trending(),
            }),
            rows({
              title: "Top posts",
              description:
                `Posts created in the selected time range, by score, with the title of the latest version. Reads the newest 500 versions whose score is at least the selected one: raise it for a longer range. Subreddits are in lower case, their compared form. ${COPIED}`,
              unit: units.Short,
              targets: [topPosts],
              units: { "as of": units.DateTimeFromNow, title: "string", subreddit: "string" },
              transformations: bestPosts(),
            }),
          ],
        },
        {
          height: 10,
          panels: [
            rows({
              title: "Most active users today",
              description:
                `Users by comments of this day, UTC, summed over all partitions and layers. Names are in lower case, their compared form. ${COPIED}`,
              unit: units.Short,
              // A day's window begins at midnight: the last 24 hours contain exactly one beginning.
              timeFrom: "24h",
              targets: [users],
              transformations: [
                rename({ user_id: "user", "Sum posts": "posts", "Sum comments": "comments" }),
              ],
            }),
          ],
        },
      ],
    },
  ],
};

function rename(names: Readonly<Record<string, string>>) {
  const indexByName = Object.fromEntries(Object.keys(names).map((name, i) => [name, i]));
  return {
    id: "organize",
    options: { excludeByName: {}, indexByName, renameByName: names },
  };
}

/**
 * Ratio of recent activity to the earlier mean, greatest first; without subreddits that had no
 * earlier activity.
 */
function trending() {
  const total = (refId: string, alias: string) => ({
    id: "calculateField",
    filter: { id: "byRefId", options: refId },
    options: {
      mode: "reduceRow",
      reduce: { reducer: "sum", include: ["Sum posts", "Sum comments"] },
      alias,
    },
  });
  const field = (name: string) => ({ matcher: { id: "byName", options: name } });
  const binary = (alias: string, left: unknown, operator: string, right: unknown) => ({
    id: "calculateField",
    options: { mode: "binary", binary: { left, operator, right }, alias },
  });
  return [
    total("A", "recent"),
    total("B", "before"),
    without("Sum posts", "Sum comments"),
    { id: "joinByField", options: { byField: "subreddit", mode: "inner" } },
    {
      id: "filterByValue",
      options: {
        type: "include",
        match: "all",
        filters: [{ fieldName: "before", config: { id: "greater", options: { value: 0 } } }],
      },
    },
    binary("ratio", field("recent"), "/", field("before")),
    binary("times", field("ratio"), "*", { fixed: `${BASELINE_WINDOWS}` }),
    { id: "sortBy", options: { sort: [{ field: "times", desc: true }] } },
    { id: "limit", options: { limitField: 15 } },
    {
      id: "organize",
      options: {
        excludeByName: { ratio: true, before: true },
        indexByName: { subreddit: 0, times: 1, recent: 2 },
        renameByName: { recent: "last 10 minutes" },
      },
    },
  ];
}

function without(...names: readonly string[]) {
  const excludeByName = Object.fromEntries(names.map((name) => [name, true]));
  return { id: "organize", options: { excludeByName, indexByName: {}, renameByName: {} } };
}

/**
 * The latest version of each post, the best first. A changed post has versions in several parts.
 */
function bestPosts() {
  const first = (name: string) => [name, { operation: "aggregate", aggregations: ["first"] }];
  return [
    { id: "sortBy", options: { sort: [{ field: "timestamp", desc: true }] } },
    {
      id: "groupBy",
      options: {
        fields: {
          post_id: { operation: "groupby", aggregations: [] },
          ...Object.fromEntries(POST_COLUMNS.map(first)),
        },
      },
    },
    { id: "sortBy", options: { sort: [{ field: "score (first)", desc: true }] } },
    { id: "limit", options: { limitField: 20 } },
    {
      id: "organize",
      options: {
        excludeByName: { post_id: true },
        indexByName: Object.fromEntries(POST_COLUMNS.map((name, i) => [`${name} (first)`, i])),
        renameByName: {
          "title (first)": "title",
          "subreddit (first)": "subreddit",
          "score (first)": "score",
          "num_comments (first)": "comments",
          "user_id (first)": "author",
          "timestamp (first)": "as of",
        },
      },
    },
  ];
}
