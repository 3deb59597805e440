import { assertEquals } from "@std/assert";
import { documentKey } from "./document_keys.ts";
import type { ViewDocument, ViewName } from "./documents.ts";
import type { PartQuery } from "./query.ts";
import type { Comment, Post } from "./records.ts";
import { WINDOWS } from "./time.ts";
import { DEFAULT_SETTINGS, ViewState } from "./views.ts";

const PART = "reddit.posts-0";
const T = Date.UTC(2026, 0, 31, 12, 30);
const [MINUTE, HOUR, DAY] = [WINDOWS["1m"], WINDOWS["1h"], WINDOWS["1d"]];

const post = (post_id: string, more: Partial<Post> = {}): Post => ({
  kind: "post",
  post_id,
  user_id: "Bob",
  subreddit: "AskMen",
  title: "A title",
  content: "",
  score: 1,
  num_comments: 0,
  created_utc: T,
  timestamp: more.created_utc ?? T,
  ...more,
});

const comment = (comment_id: string, more: Partial<Comment> = {}): Comment => ({
  kind: "comment",
  comment_id,
  post_id: "p",
  user_id: "Eve",
  content: "",
  score: 1,
  subreddit: "AskMen",
  created_utc: T,
  timestamp: more.created_utc ?? T,
  ...more,
});

function fold(records: Iterable<Post | Comment>): ViewState {
  const state = new ViewState(DEFAULT_SETTINGS);
  for (const record of records) state.add(record);
  return state;
}

function keys(state: ViewState, view: ViewName, query: Partial<PartQuery>): string[] {
  return state.search(PART, view, { order: "id", limit: 10_000, ...query }).map((document) =>
    documentKey(document)
  );
}

Deno.test("get() finds a document of each type by its key, in its view alone", () => {
  const state = fold([post("P"), comment("c")]);
  const known: [ViewName, string, Partial<ViewDocument>][] = [
    ["top_posts", "post|askmen|P", { type: "post", post_id: "P", user_id: "Bob" }],
    ["subreddit_activity", "name|askmen", { type: "subreddit", name: "AskMen" }],
    ["subreddit_activity", `1m|${T}|askmen`, { type: "activity", posts: 1, comments: 1 }],
    ["subreddit_activity", `1h|${T - HOUR / 2}|askmen`, { type: "activity", window: "1h" }],
    ["user_activity", `1d|${T - T % DAY}|eve`, { type: "user_window", comments: 1 }],
    ["user_activity", "total|bob", { type: "user_total", name: "Bob", posts: 1 }],
  ];
  for (const [view, key, fields] of known) {
    const found = state.get(PART, view, key);
    assertEquals({ ...found, ...fields, part: PART }, found);
    const other = view === "top_posts" ? "user_activity" : "top_posts";
    assertEquals(state.get(PART, other, key), undefined);
  }
});

Deno.test("get() finds neither unknown keys nor names in another spelling, and adds nothing", () => {
  const state = fold([post("P")]);
  const { keys } = state;
  const unknown: [ViewName, string[]][] = [
    ["top_posts", ["post|askmen|p", "post|AskMen|P", "post|other|P", "cut|askmen", "post|askmen"]],
    ["subreddit_activity", [
      ...["name|AskMen", "name|other", `1m|${T}|AskMen`, `1m|${T + MINUTE}|askmen`],
      ...[`1m|${T + 1}|askmen`, `1d|${T - T % DAY - DAY}|askmen`],
    ]],
    ["user_activity", ["total|Bob", "total|eve", `1h|${T - T % HOUR}|bob`, `1d|${T}|bob`]],
  ];
  for (const [view, texts] of unknown) {
    for (const key of texts) assertEquals(state.get(PART, view, key), undefined, key);
  }
  assertEquals(state.keys, keys);
});

Deno.test("get() leaves out a window whose counts were taken back to zero, as documents() does", () => {
  // The lesser author is counted: what was counted for the other one is taken back.
  const state = new ViewState(DEFAULT_SETTINGS, { track: true });
  for (const user_id of ["b", "a"]) state.add(comment("c", { user_id }));
  const key = `1d|${T - T % DAY}|b`;
  const taken = state.takeChanged(PART).map((document) => documentKey(document));
  assertEquals(taken.includes(key), true);
  assertEquals(state.get(PART, "user_activity", key), undefined);
  assertEquals(keys(state, "user_activity", { type: "user_window", user_id: "b" }), []);
});

Deno.test("search() gives the latest windows of a range, over several days", () => {
  // In the order of their arrival, days are not in the order of time.
  const days = [2, 0, 3, 1].map((day) => post(`p${day}`, { created_utc: T + day * DAY }));
  const state = fold(days);
  const range = { from: T, to: T + 2 * DAY, window: "1m", order: "latest", limit: 1 } as const;
  for (const subreddit of [{ subreddit: "askmen" }, {}]) {
    const found = (query: Partial<PartQuery>) =>
      keys(state, "subreddit_activity", { ...range, ...subreddit, ...query });
    assertEquals(found({}), [`1m|${T + DAY}|askmen`]);
    assertEquals(found({ limit: 2 }), [`1m|${T + DAY}|askmen`, `1m|${T}|askmen`]);
    assertEquals(found({ to: T + 9 * DAY }), [`1m|${T + 3 * DAY}|askmen`]);
    assertEquals(found({ order: "window", to: T + 9 * DAY }), [`1m|${T}|askmen`]);
    assertEquals(found({ from: T + 4 * DAY, to: T + 9 * DAY }), []);
    assertEquals(found({ from: T + DAY, to: T }), []);
  }
});

Deno.test("search() gives one window of all subreddits in the order of their names", () => {
  const names = Array.from({ length: 300 }, (_, i) => `s${(i * 7) % 300}`);
  const state = fold(
    names.flatMap((subreddit, i) => [
      post(`p${i}`, { subreddit }),
      post(`q${i}`, { subreddit, created_utc: T + MINUTE }),
    ]),
  );
  const query = { type: "activity", window: "1m", from: T, to: T + 1, order: "window" } as const;
  const sorted = names.toSorted().map((subreddit) => `1m|${T}|${subreddit}`);
  assertEquals(keys(state, "subreddit_activity", query), sorted);
  assertEquals(keys(state, "subreddit_activity", { ...query, limit: 3 }), sorted.slice(0, 3));
});

Deno.test("search() gives the best posts of a subreddit, and those of one author", () => {
  const posts = Array.from(
    { length: 1_000 },
    (_, i) => post(`p${i}`, { score: (i * 37) % 1_000, user_id: i % 10 === 0 ? "Eve" : "Bob" }),
  );
  const state = fold([...posts, post("other", { subreddit: "t", score: 5_000 })]);
  const scores = (query: Partial<PartQuery>) =>
    state.search(PART, "top_posts", { subreddit: "askmen", order: "rank", limit: 3, ...query })
      .map((document) => document.type === "post" && document.score);
  assertEquals(scores({}), [999, 998, 997]);
  assertEquals(scores({ type: "post" }), [999, 998, 997]);
  assertEquals(scores({ type: "cut" }), []);
  assertEquals(scores({ user_id: "Eve" }), [990, 980, 970]);
  assertEquals(scores({ user_id: "eve" }), []);
  assertEquals(scores({ subreddit: "AskMen" }), []);
});

Deno.test("search() gives the windows of one user", () => {
  const days = [0, 2, 1].map((day) => comment(`c${day}`, { created_utc: T + day * DAY }));
  const state = fold([...days, post("p")]);
  const first = T - T % DAY;
  const query = { type: "user_window", user_id: "eve", window: "1d" } as const;
  const starts = (more: Partial<PartQuery>) =>
    keys(state, "user_activity", { ...query, ...more }).map((key) =>
      (Number(key.split("|")[1]) - first) / DAY
    );
  assertEquals(starts({ order: "latest", limit: 1 }), [2]);
  assertEquals(starts({ order: "window" }), [0, 1, 2]);
  assertEquals(starts({ order: "window", from: first + 1, to: first + 2 * DAY }), [1]);
  assertEquals(starts({ window: "1h" }), []);
  assertEquals(starts({ user_id: "Eve" }), []);
});

Deno.test("totals() sums each subreddit over a range, without those that have no announcements", () => {
  const state = fold([
    post("a"),
    comment("b", { created_utc: T + MINUTE }),
    comment("c", { created_utc: T + HOUR }),
    post("d", { subreddit: "late", created_utc: T + DAY }),
    // An update announces nothing.
    post("e", { subreddit: "updated", timestamp: T + 1 }),
  ]);
  const totals = (window: "1m" | "1h" | "1d", from: number, to: number) =>
    state.totals({ window, from, to }).map(({ subreddit, posts, comments }) =>
      `${subreddit} ${posts} ${comments}`
    );
  assertEquals(totals("1m", T, T + HOUR), ["askmen 1 1"]);
  assertEquals(totals("1m", T, T + HOUR + 1), ["askmen 1 2"]);
  // Windows count by their starts: the hour began before.
  assertEquals(totals("1h", T, T + HOUR), ["askmen 0 1"]);
  assertEquals(totals("1d", 0, Infinity), ["askmen 1 2", "late 1 0"]);
  assertEquals(totals("1m", T + 2 * DAY, T + 3 * DAY), []);
});
