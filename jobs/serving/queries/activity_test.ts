import { assertEquals } from "@std/assert";
import { compareUtf8, type Entity, type WindowName, WINDOWS, windowStart } from "@pipeline/core";
import fc from "fast-check";
import { type Reading, withReading } from "../reading/reading.ts";
import { sourceOf } from "../testing/source.ts";
import { buildStore, comment, type Layers, NOON, post, user } from "../testing/world.ts";
import { subredditActivity } from "./subreddit_activity.ts";
import { listSubreddits } from "./subreddits.ts";
import { userActivity } from "./user_activity.ts";

const HOUR = WINDOWS["1h"];
const DAY = WINDOWS["1d"];

async function read<T>(layers: Layers, query: (reading: Reading) => Promise<T>): Promise<T> {
  return await withReading(sourceOf({ store: await buildStore(layers) }), query);
}

Deno.test("subredditActivity() sums the parts and counts an author of both layers once", async () => {
  const layers = {
    batch: [post({ post_id: "a" }), comment({ comment_id: "c", user_id: "u_2" })],
    speed: [post({ post_id: "b" }), comment({ comment_id: "d", created_utc: NOON + HOUR })],
  };
  const { items } = await read(
    layers,
    (r) => subredditActivity(r, { subreddit: "deno", window: "1h" }),
  );
  assertEquals(items, [
    { window_start: NOON, posts: 2, comments: 1, active_users: 2 },
    { window_start: NOON + HOUR, posts: 0, comments: 1, active_users: 1 },
  ]);
});

Deno.test("subredditActivity() takes from inclusive and to exclusive", async () => {
  const hours = [0, 1, 2, 3].map((h) => post({ post_id: `p${h}`, created_utc: NOON + h * HOUR }));
  const starts = async (from?: number, to?: number) => {
    const request = { subreddit: "deno", window: "1h", from, to } as const;
    const { items } = await read({ speed: hours }, (r) => subredditActivity(r, request));
    return items.map((item) => (item.window_start - NOON) / HOUR);
  };
  assertEquals(await starts(NOON + HOUR, NOON + 3 * HOUR), [1, 2]);
  assertEquals(await starts(NOON + 2 * HOUR), [2, 3]);
  assertEquals(await starts(undefined, NOON + HOUR), [0]);
  assertEquals(await starts(), [0, 1, 2, 3]);
});

Deno.test("subredditActivity() without bounds ends with the latest window of the subreddit", async () => {
  const records = [
    post({ post_id: "a", created_utc: NOON - 100 * DAY }),
    post({ post_id: "b", created_utc: NOON - 80 * DAY }),
    post({ post_id: "c", created_utc: NOON, subreddit: "other" }),
  ];
  const request = { subreddit: "deno", window: "1d" } as const;
  const { items } = await read({ batch: records }, (r) => subredditActivity(r, request));
  assertEquals(items.length, 2);
});

Deno.test("userActivity() returns windows and totals", async () => {
  const layers = {
    batch: [post(), user({ karma: 10 }), comment({ subreddit: "b", created_utc: NOON - 2 * DAY })],
    speed: [comment({ comment_id: "x" }), user({ karma: 12, timestamp: NOON + 5 })],
  };
  const { items, totals } = await read(
    layers,
    (r) => userActivity(r, { user_id: "u_1", window: "1d" }),
  );
  const today = windowStart(NOON, DAY);
  assertEquals(items, [
    { window_start: today - 2 * DAY, posts: 0, comments: 1 },
    { window_start: today, posts: 1, comments: 1 },
  ]);
  assertEquals(totals, { posts: 1, comments: 2, subreddits: 2, karma: 12, last_active: NOON });
});

Deno.test("userActivity() of a user who only edited is empty, without made-up windows", async () => {
  const edited = post({ user_id: "nobody", timestamp: NOON + 1 });
  const { items, totals } = await read(
    { speed: [edited] },
    (r) => userActivity(r, { user_id: "nobody", window: "1d" }),
  );
  assertEquals(items, []);
  assertEquals(totals, { posts: 0, comments: 0, subreddits: 0, karma: null, last_active: null });
});

Deno.test("userActivity() keeps users of whom only karma is known apart from active ones", async () => {
  const { totals } = await read(
    { speed: [user({ karma: -3 })] },
    (r) => userActivity(r, { user_id: "u_1", window: "1d" }),
  );
  assertEquals([totals.karma, totals.last_active], [-3, null]);
});

/** Posts per subreddit and hour, e.g. `{ deno: { 0: 2, 1: 1 } }`. */
function hourly(counts: Record<string, Record<number, number>>): Entity[] {
  return Object.entries(counts).flatMap(([subreddit, hours]) =>
    Object.entries(hours).flatMap(([hour, count]) =>
      Array.from({ length: count }, (_, i) =>
        post({
          post_id: `${subreddit}-${hour}-${i}`,
          user_id: `u${i}`,
          subreddit,
          created_utc: NOON + Number(hour) * HOUR,
        }))
    )
  );
}

Deno.test("listSubreddits() ranks by trend against the 24 windows before", async () => {
  const speed = hourly({
    steady: { [-24]: 1, [-2]: 1, [-1]: 22, 0: 1 },
    rising: { [-25]: 100, [-1]: 2, 0: 2 },
    fresh: { 0: 9 },
    asleep: { [-1]: 5 },
  });
  const list = await read(
    { speed },
    (r) => listSubreddits(r, { window: "1h", sort: "trending", limit: 10 }),
  );
  assertEquals(list.window_start, NOON);
  assertEquals(list.items.map(({ subreddit, trend }) => [subreddit, trend]), [
    ["rising", 24],
    ["steady", 1],
    ["fresh", null],
  ]);
});

Deno.test("listSubreddits() breaks ties by name and cuts at the limit", async () => {
  const speed = hourly({
    b: { 0: 1 },
    a: { 0: 1 },
    "\u{1F600}": { 0: 1 },
    "\uFF5E": { 0: 1 },
    z: { 0: 2 },
  });
  const list = await read(
    { speed },
    (r) => listSubreddits(r, { window: "1h", sort: "posts", limit: 4 }),
  );
  assertEquals(list.items.map((item) => item.subreddit), ["z", "a", "b", "\uFF5E"]);
});

Deno.test("listSubreddits() sorts by distinct users, and as of any window", async () => {
  const records = [
    ...hourly({ many: { 0: 3 } }),
    ...["1", "2", "3", "4"].map((id) => comment({ comment_id: id, subreddit: "one" })),
    ...hourly({ later: { 5: 1 } }),
  ];
  const at = NOON + HOUR - 1;
  const list = (sort: "active_users" | "comments") =>
    read({ batch: records }, (r) => listSubreddits(r, { window: "1h", sort, limit: 9, at }));
  assertEquals((await list("active_users")).items.map((i) => i.active_users), [3, 1]);
  assertEquals((await list("comments")).items.map((i) => i.subreddit), ["one", "many"]);
});

Deno.test("listSubreddits() of an empty view is empty", async () => {
  const list = await read(
    {},
    (r) => listSubreddits(r, { window: "1h", sort: "trending", limit: 5 }),
  );
  assertEquals(list, { window_start: null, items: [] });
});

const announcements = fc.array(
  fc.record({
    kind: fc.constantFrom("post", "comment"),
    user: fc.integer({ min: 0, max: 6 }),
    subreddit: fc.constantFrom("a", "b", "__proto__"),
    hour: fc.integer({ min: -30, max: 0 }),
    batch: fc.boolean(),
  }),
  { maxLength: 60 },
);

Deno.test("activity and lists equal a simple count, however layers share the records", async () => {
  await fc.assert(
    fc.asyncProperty(
      announcements,
      fc.constantFrom<WindowName>("1h", "1d"),
      async (drawn, window) => {
        const entity = (fact: (typeof drawn)[number], i: number): Entity => {
          const created_utc = NOON + fact.hour * HOUR;
          const common = { user_id: `u${fact.user}`, subreddit: fact.subreddit, created_utc };
          return fact.kind === "post"
            ? post({ ...common, post_id: `p${i}` })
            : comment({ ...common, post_id: `p${i % 5}`, comment_id: `c${i}` });
        };
        const entities = drawn.map((fact, i) => ({ fact, record: entity(fact, i) }));
        const store = await buildStore({
          batch: entities.filter(({ fact }) => fact.batch).map(({ record }) => record),
          speed: entities.filter(({ fact }) => !fact.batch).map(({ record }) => record),
        });
        const startOf = (hour: number) => windowStart(NOON + hour * HOUR, WINDOWS[window]);
        const count = (subreddit: string, start: number) => {
          const own = drawn.filter((f) => f.subreddit === subreddit && startOf(f.hour) === start);
          return {
            posts: own.filter((f) => f.kind === "post").length,
            comments: own.filter((f) => f.kind === "comment").length,
            active_users: new Set(own.map((f) => f.user)).size,
          };
        };
        await withReading(sourceOf({ store }), async (reading) => {
          for (const subreddit of new Set(drawn.map((f) => f.subreddit))) {
            const starts = new Set(
              drawn.filter((f) => f.subreddit === subreddit).map((f) => startOf(f.hour)),
            );
            const { items } = await subredditActivity(reading, { subreddit, window });
            assertEquals(
              items,
              [...starts].sort((x, y) => x - y).map((s) => ({
                window_start: s,
                ...count(subreddit, s),
              })),
            );
          }
          const last = Math.max(...drawn.map((f) => startOf(f.hour)));
          for (const sort of ["posts", "comments", "active_users"] as const) {
            const { items } = await listSubreddits(reading, { window, sort, limit: 10 });
            const expected = [...new Set(drawn.map((f) => f.subreddit))]
              .filter((s) => drawn.some((f) => f.subreddit === s && startOf(f.hour) === last))
              .map((subreddit) => ({ subreddit, ...count(subreddit, last) }))
              .sort((x, y) => y[sort] - x[sort] || compareUtf8(x.subreddit, y.subreddit));
            assertEquals(items, expected);
          }
        });
      },
    ),
    { numRuns: 100 },
  );
});
