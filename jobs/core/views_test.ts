import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Distinct, Member } from "./distinct.ts";
import type { ActivityDocument, UserTotalDocument, ViewDocument } from "./documents.ts";
import { recordBytes } from "./encoding.ts";
import { type Comment, encodeRecord, type Post, topicOf, type User } from "./records.ts";
import { DEFAULT_SETTINGS, definitionHash, RETAIN_ALL, ViewState } from "./views.ts";

const encoder = new TextEncoder();
const T = Date.UTC(2026, 0, 31, 12, 30, 30);
const DAY = Date.UTC(2026, 0, 31);

const post = (more: Partial<Post> = {}): Post => ({
  kind: "post",
  post_id: "p",
  user_id: "u",
  subreddit: "s",
  title: "A title",
  content: "left out of views",
  score: 1,
  num_comments: 0,
  created_utc: T,
  timestamp: T,
  ...more,
});

const comment = (more: Partial<Comment> = {}): Comment => ({
  kind: "comment",
  comment_id: "c",
  post_id: "p",
  user_id: "v",
  content: "",
  score: 1,
  subreddit: "s",
  created_utc: T,
  timestamp: T,
  ...more,
});

const user = (more: Partial<User> = {}): User => ({
  kind: "user",
  user_id: "u",
  username: "U",
  karma: 3,
  created_utc: 0,
  timestamp: T,
  ...more,
});

const withoutSubreddit = (more: Partial<Comment> = {}): Comment => {
  const { subreddit: _, ...rest } = comment(more);
  return rest;
};

function fold(...records: (Post | Comment | User)[]): ViewState {
  const state = new ViewState(DEFAULT_SETTINGS);
  for (const record of records) state.add(record);
  return state;
}

function documents(state: ViewState): ViewDocument[] {
  return [...state.documents("batch")];
}

function activities(state: ViewState): ActivityDocument[] {
  return documents(state).filter((document) => document.type === "activity");
}

function totalOf(state: ViewState, id: string): UserTotalDocument | undefined {
  return documents(state).filter((document) => document.type === "user_total")
    .find((document) => document.user_id === id);
}

function setOf(...members: string[]): string {
  const distinct = new Distinct();
  for (const member of members) distinct.add(Member.of(member));
  return distinct.toString();
}

/** All permutations of a few items. */
function orders<T>(all: readonly T[]): T[][] {
  return all.length < 2
    ? [[...all]]
    : all.flatMap((one, i) => orders(all.toSpliced(i, 1)).map((rest) => [one, ...rest]));
}

/** The records folded as objects, as values of the log, and from a non-canonical form. */
function foldedInEachWay(records: readonly (Post | Comment | User)[]): ViewState[] {
  const values = new ViewState(DEFAULT_SETTINGS);
  const other = new ViewState(DEFAULT_SETTINGS);
  for (const record of records) {
    const topic = topicOf(record);
    values.admit(topic, { value: recordBytes(record), timestamp: record.timestamp + DAY });
    other.addBytes(topic, encoder.encode(` ${encodeRecord(record)}`));
  }
  return [fold(...records), values, other];
}

Deno.test("ViewState keeps the version that was retrieved last, in any order and from any form", () => {
  // All of them announce; as text, the greatest score and title are those of the first ones.
  const versions = [
    post({ score: 9, title: "z" }),
    post({ score: 8, title: "y", retrieved_utc: T + 1_000 }),
    // A record of the log that is older than one retrieved after it.
    post({ score: 7, title: "x", timestamp: T + 2_000 }),
    post({ score: 1, title: "a", retrieved_utc: T + 3_000 }),
  ];
  const accounts = [
    user({ karma: 9 }),
    user({ karma: 8, timestamp: T + 2_000, retrieved_utc: T + 1_000 }),
    user({ karma: 1, retrieved_utc: T + 3_000 }),
  ];
  for (const state of [...orders(versions), ...orders(accounts)].flatMap(foldedInEachWay)) {
    const [found] = documents(state).filter((document) => document.type === "post");
    if (found === undefined) {
      const { karma, karma_timestamp } = totalOf(state, "u")!;
      assertEquals([karma, karma_timestamp], [1, T + 3_000]);
    } else {
      assertEquals([found.score, found.title, found.timestamp], [1, "a", T + 3_000]);
      assertEquals(totalOf(state, "u")!.posts, 1);
    }
  }
});

Deno.test("ViewState counts what announces, whenever it was retrieved", () => {
  const state = fold(
    post({ retrieved_utc: T + 5 }),
    comment({ retrieved_utc: T + 86_400_000 }),
    withoutSubreddit({ comment_id: "d", retrieved_utc: T - 5 }),
  );
  assertEquals([state.counts.announcements, state.counts.duplicates], [3, 0]);
  assertEquals(totalOf(state, "u")!.last_active, T);
});

Deno.test("ViewState.add() counts an announced post in each view", () => {
  const activity = { posts: 1, comments: 0, active_users: 1, users: setOf("u") };
  assertEquals(documents(fold(post())), [
    {
      type: "post",
      part: "batch",
      subreddit: "s",
      post_id: "p",
      title: "A title",
      user_id: "u",
      score: 1,
      num_comments: 0,
      created_utc: T,
      timestamp: T,
    },
    { type: "subreddit", part: "batch", subreddit: "s", name: "s", name_timestamp: T },
    ...([["1d", DAY], ["1h", DAY + 12 * 3_600_000], ["1m", T - 30_000]] as const).map((
      [window, window_start],
    ): ViewDocument => ({
      type: "activity",
      part: "batch",
      subreddit: "s",
      window,
      window_start,
      ...activity,
    })),
    {
      type: "user_total",
      part: "batch",
      user_id: "u",
      name: "u",
      name_timestamp: T,
      posts: 1,
      comments: 0,
      subreddits: setOf("s"),
      last_active: T,
      karma_timestamp: -1,
      karma: 0,
      username: "",
    },
    {
      type: "user_window",
      part: "batch",
      user_id: "u",
      window: "1d",
      window_start: DAY,
      posts: 1,
      comments: 0,
    },
  ]);
});

Deno.test("ViewState.add() takes an update of a post for its register and its names alone", () => {
  const state = fold(post(), post({ timestamp: T + 1, score: 70, user_id: "x" }));
  assertEquals(state.counts.announcements, 1);
  assertEquals(activities(state).map((a) => [a.posts, a.users]), Array(3).fill([1, setOf("u")]));
  const [register] = documents(state);
  assert(register?.type === "post");
  assertEquals([register.score, register.timestamp], [70, T + 1]);
  const { posts, last_active, name, name_timestamp } = totalOf(state, "x")!;
  assertEquals([posts, last_active, name, name_timestamp], [0, -1, "x", T + 1]);
});

Deno.test("ViewState.add() keeps a late old version of a post out of its register", () => {
  const state = fold(post({ timestamp: T + 2, score: 9 }), post({ timestamp: T + 1, score: 70 }));
  const [register] = documents(state);
  assert(register?.type === "post" && register.score === 9);
});

Deno.test("ViewState.add() keeps a register per subreddit where a post's versions differ in it", () => {
  const state = fold(post(), post({ subreddit: "t", timestamp: T + 1 }));
  const posts = documents(state).filter((document) => document.type === "post");
  assertEquals(posts.map((document) => document.subreddit), ["s", "t"]);
});

Deno.test("ViewState.add() ignores updates of comments", () => {
  const state = fold(comment({ timestamp: T + 1 }));
  assertEquals(documents(state), []);
  assertEquals(state.counts, {
    records: 1,
    announcements: 0,
    duplicates: 0,
    retired: 0,
    unresolved: 0,
  });
});

Deno.test("ViewState.add() takes karma from the latest user record, and no activity", () => {
  const state = fold(user(), user({ timestamp: T + 1, karma: 4 }), user({ karma: 99 }));
  const total = totalOf(state, "u")!;
  assertEquals([total.karma, total.karma_timestamp, total.last_active], [4, T + 1, -1]);
  assertEquals(documents(state).length, 1);
});

Deno.test("ViewState.add() counts a comment without a subreddit for its user, and as unresolved", () => {
  const state = fold(withoutSubreddit());
  assertEquals(state.counts.unresolved, 1);
  assertEquals(activities(state), []);
  assertEquals(totalOf(state, "v")!.comments, 1);
  assertEquals([...state.announcements()], [
    { kind: "comment", id: "c", created_utc: T, user_id: "v", post_id: "p" },
  ]);
});

Deno.test("ViewState.add() prefers an announcement that knows the subreddit, whichever came first", () => {
  for (const records of [[withoutSubreddit(), comment()], [comment(), withoutSubreddit()]]) {
    const state = fold(...records);
    assertEquals(state.counts.unresolved, 0);
    assertEquals(activities(state).map((a) => a.comments), [1, 1, 1]);
    assertEquals(totalOf(state, "v")!.comments, 1);
    assertEquals([...state.announcements()], [
      { kind: "comment", id: "c", created_utc: T, user_id: "v", subreddit: "s" },
    ]);
  }
});

Deno.test("ViewState.add() takes author and post of an unknown subreddit from one announcement", () => {
  // Each of two rivals is smaller in one component: these must not be mixed, in any order.
  const one = withoutSubreddit({ user_id: "a", post_id: "z" });
  const other = withoutSubreddit({ user_id: "b", post_id: "y" });
  for (const records of [[one, other], [other, one], [other, one, other]]) {
    assertEquals([...fold(...records).announcements()], [
      { kind: "comment", id: "c", created_utc: T, user_id: "a", post_id: "z" },
    ]);
  }
});

Deno.test("ViewState.add() counts an announcement once, for the least subreddit and author", () => {
  const rivals = [
    comment({ subreddit: "t", user_id: "a" }),
    comment({ subreddit: "s", user_id: "w" }),
    comment(),
  ];
  for (const records of [rivals, rivals.toReversed()]) {
    const state = fold(...records);
    assertEquals(state.counts.duplicates, 2);
    assertEquals(activities(state).filter((a) => a.comments > 0).map((a) => a.subreddit), [
      "s",
      "s",
      "s",
    ]);
    assertEquals(["a", "v", "w"].map((id) => totalOf(state, id)!.comments), [0, 1, 0]);
    // Every author who announced was active all the same.
    assertEquals(activities(state).map((a) => [a.subreddit, a.users]).sort(), [
      ...Array(3).fill(["s", setOf("v", "w")]),
      ...Array(3).fill(["t", setOf("a")]),
    ]);
  }
});

Deno.test("ViewState.add() identifies announcements by kind, id and created_utc", () => {
  const state = fold(
    post({ post_id: "x" }),
    comment({ comment_id: "x" }),
    comment({ comment_id: "x", created_utc: T + 1, timestamp: T + 1 }),
  );
  assertEquals(state.counts.announcements, 3);
  assertEquals(state.counts.duplicates, 0);
});

for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
  Deno.test(`ViewState.add() counts a name such as ${name} like any other`, () => {
    const record = post({ post_id: name, user_id: name, subreddit: name });
    const state = fold(record, record, comment({ comment_id: name, subreddit: name }));
    const key = name.toLowerCase();
    assertEquals(activities(state).map((a) => [a.subreddit, a.posts, a.comments]), [
      [key, 1, 1],
      [key, 1, 1],
      [key, 1, 1],
    ]);
    assertEquals(totalOf(state, key)!.posts, 1);
    assertEquals(state.counts.duplicates, 1);
  });
}

Deno.test("ViewState.takeChanged() gives what changed and forgets it", () => {
  const state = new ViewState(DEFAULT_SETTINGS, { track: true });
  state.add(post());
  assertEquals(state.takeChanged("reddit.posts-0").length, 7);
  assertEquals(state.takeChanged("reddit.posts-0"), []);
  state.add(post({ timestamp: T + 1, score: 5 }));
  const changed = state.takeChanged("reddit.posts-0");
  assertEquals(
    changed.map(({ type, part }) => [type, part]),
    ["post", "subreddit", "user_total"].map((type) => [type, "reddit.posts-0"]),
  );
  state.add(post({ timestamp: T - 1, created_utc: T - 1, score: 5 }));
  assertEquals(state.takeChanged("x").some((document) => document.type === "post"), false);
});

Deno.test("ViewState.takeChanged() is O(changed keys): a repeated key comes once a call", () => {
  const state = new ViewState(DEFAULT_SETTINGS, { track: true });
  for (let i = 0; i < 1000; i++) state.add(comment({ comment_id: `c${i}` }));
  assertEquals(state.takeChanged("x").length, 6);
});

Deno.test("ViewState.takeChanged() leaves out what was folded while changes were not tracked", () => {
  const state = new ViewState(DEFAULT_SETTINGS);
  state.add(post());
  state.add(post({ subreddit: "t", post_id: "q", user_id: "w" }));
  assertEquals(state.takeChanged("x"), []);
  state.track = true;
  assertEquals([state.track, state.takeChanged("x")], [true, []]);
  // Another version of a known post, by a later spelling of its author.
  state.add(post({ timestamp: T + 1, user_id: "U", score: 5 }));
  const changed = () =>
    state.takeChanged("x").map((document) =>
      document.type === "post"
        ? ["post", document.post_id, document.score]
        : document.type === "user_total"
        ? ["user_total", document.user_id, document.posts]
        : [document.type]
    );
  assertEquals(changed(), [["post", "p", 5], ["subreddit"], ["user_total", "u", 1]]);
  state.add(comment({ post_id: "q", subreddit: "t", user_id: "w" }));
  const types = ["activity", "activity", "activity", "user_window"].map((type) => [type]);
  assertEquals(changed(), [...types, ["user_total", "w", 1]]);
});

Deno.test("ViewState forgets the changes that were not taken when it no longer tracks them", () => {
  const state = new ViewState(DEFAULT_SETTINGS, { track: true });
  state.add(post());
  state.add(comment());
  state.track = false;
  assertEquals(state.takeChanged("x"), []);
  state.track = true;
  assertEquals(state.takeChanged("x"), []);
  state.add(post({ timestamp: T + 1, score: 5 }));
  assertEquals(state.takeChanged("x").map(({ type }) => type), ["post", "subreddit", "user_total"]);
});

Deno.test("ViewState leaves out announcements before the first retained day, and counts them", () => {
  const retained = { "1m": DAY, "1h": DAY, "1d": DAY };
  const state = new ViewState(DEFAULT_SETTINGS, { retained });
  state.add(post({ created_utc: DAY - 1, timestamp: DAY - 1 }));
  state.add(comment({ created_utc: DAY, timestamp: DAY }));
  assertEquals(state.counts.retired, 1);
  assertEquals(activities(state).map((a) => [a.window_start, a.posts, a.comments]), [
    [DAY, 0, 1],
    [DAY, 0, 1],
    [DAY, 0, 1],
  ]);
  // The register and the author's totals do not retire.
  assert(documents(state).some((document) => document.type === "post"));
  assertEquals(totalOf(state, "u")!.last_active, DAY - 1);
  assertEquals(totalOf(state, "u")!.posts, 0);
});

Deno.test("ViewState retains larger windows longer", () => {
  const retained = { ...RETAIN_ALL, "1m": T, "1h": DAY + 13 * 3_600_000 };
  const state = new ViewState(DEFAULT_SETTINGS, { retained });
  state.add(post());
  state.add(post({ post_id: "q", created_utc: T + 3_600_000, timestamp: T + 3_600_000 }));
  const kept = activities(state).map(({ window, posts }) => [window, posts]);
  assertEquals(kept, [["1d", 2], ["1h", 1], ["1m", 1]]);
});

Deno.test("ViewState.keys grows with keys, not with records", () => {
  const state = fold(post(), comment());
  const { keys } = state;
  // Two users with a day each, two announcements, one post, one subreddit, three windows.
  assertEquals(keys, 2 + 2 + 2 + 1 + 1 + 3);
  for (let i = 1; i < 100; i++) state.add(post({ timestamp: T + i }));
  assertEquals(state.keys, keys);
});

function namesOf(state: ViewState): (string | number)[][] {
  return documents(state).flatMap((document) =>
    document.type === "subreddit"
      ? [[document.subreddit, document.name, document.name_timestamp]]
      : document.type === "user_total"
      ? [[document.user_id, document.name, document.name_timestamp]]
      : []
  );
}

Deno.test("ViewState takes names for one that differ in the case of ASCII alone", () => {
  const state = fold(
    post({ subreddit: "AskMen", user_id: "Bob" }),
    post({ subreddit: "askmen", user_id: "BOB", post_id: "q" }),
    post({ subreddit: "ASKMEN", user_id: "bob", score: 9, timestamp: T + 1 }),
    comment({ subreddit: "AskMeN", user_id: "boB" }),
    user({ user_id: "bOb" }),
  );
  assertEquals(activities(state).map((a) => [a.subreddit, a.posts, a.comments, a.users]), [
    ...Array(3).fill(["askmen", 2, 1, setOf("bob")]),
  ]);
  const posts = documents(state).filter((document) => document.type === "post");
  assertEquals(posts.map((d) => [d.subreddit, d.post_id, d.score]), [
    ["askmen", "p", 9],
    ["askmen", "q", 1],
  ]);
  const total = totalOf(state, "bob")!;
  assertEquals([total.posts, total.comments, total.karma], [2, 1, 3]);
  assertEquals(total.subreddits, setOf("askmen"));
  assertEquals(namesOf(state), [["askmen", "ASKMEN", T + 1], ["bob", "bob", T + 1]]);
  assertEquals(namesOf(fold(post({ subreddit: "É" }), post({ subreddit: "é" }))).length, 2 + 1);
});

Deno.test("ViewState takes ids of posts and comments to the letter", () => {
  const state = fold(post({ post_id: "p" }), post({ post_id: "P" }), comment({ comment_id: "P" }));
  assertEquals([state.counts.announcements, state.counts.duplicates], [3, 0]);
  assertEquals([...state.posts("batch")].flat().map(({ post_id }) => post_id), ["p", "P"]);
});

Deno.test("ViewState shows the spelling that was written last, of equally late ones the greatest", () => {
  const spelled = (...records: (Post | Comment | User)[]) => namesOf(fold(...records));
  const [early, late] = [
    post({ subreddit: "S", user_id: "U" }),
    comment({ subreddit: "s", user_id: "u", created_utc: T + 1, timestamp: T + 1 }),
  ];
  for (const records of [[early, late], [late, early]]) {
    assertEquals(spelled(...records), [["s", "s", T + 1], ["u", "u", T + 1]]);
  }
  // At the same moment, in UTF-8 order.
  const tied = [post({ subreddit: "aB", user_id: "X" }), post({ subreddit: "Ab", user_id: "x" })];
  for (const records of [tied, tied.toReversed()]) {
    assertEquals(spelled(...records), [["ab", "aB", T], ["x", "x", T]]);
  }
  // Updates of posts and records of users write names; updates of comments write none.
  const updates = [
    post({ timestamp: T + 5, subreddit: "S" }),
    user({ timestamp: T + 6, user_id: "U" }),
    comment({ timestamp: T + 9, user_id: "u" }),
  ];
  assertEquals(spelled(post(), ...updates), [["s", "S", T + 5], ["u", "U", T + 6]]);
});

Deno.test("ViewState keeps the spelling of a name whose windows retired", () => {
  const retained = { "1m": DAY, "1h": DAY, "1d": DAY };
  const state = new ViewState(DEFAULT_SETTINGS, { retained });
  state.add(post({ subreddit: "S", user_id: "U", created_utc: DAY - 1, timestamp: DAY - 1 }));
  state.add(comment({ subreddit: "s", user_id: "u", created_utc: DAY - 2, timestamp: DAY - 2 }));
  assertEquals(namesOf(state), [["s", "S", DAY - 1], ["u", "U", DAY - 1]]);
});

Deno.test("ViewState counts the least of contradicting announcements by the keys of names", () => {
  const one = comment({ subreddit: "Z", user_id: "b" });
  // Case-sensitively, "Z" would come before "a", and "B" before "a".
  const state = fold(one, comment({ subreddit: "a", user_id: "B" }), comment({ subreddit: "A" }));
  const [announced] = state.announcements();
  assertEquals([announced!.subreddit, announced!.user_id], ["a", "b"]);
});

Deno.test("ViewState.addResolved() and addSubreddit() add what a found subreddit brings", () => {
  const state = fold(withoutSubreddit());
  const [announcement] = state.announcements();
  state.addResolved(announcement!, "s");
  state.addSubreddit(announcement!.user_id, "s");
  // No record wrote its spelling.
  const counted = (state: ViewState) =>
    documents(state).filter(({ type }) => type !== "subreddit").map((d) => JSON.stringify(d))
      .sort();
  assertEquals(counted(state), counted(fold(comment())));
});

Deno.test("ViewState.posts() gives the registers, a subreddit at a time", () => {
  const state = fold(
    post(),
    post({ post_id: "q" }),
    comment({ subreddit: "empty" }),
    post({ subreddit: "t" }),
  );
  assertEquals(
    [...state.posts("batch")].map((posts) => posts.map((p) => `${p.subreddit}/${p.post_id}`)),
    [
      ["s/p", "s/q"],
      ["t/p"],
    ],
  );
});

Deno.test("definitionHash() differs with every setting, but not with their order", () => {
  const hash = definitionHash(DEFAULT_SETTINGS);
  const { userWindows, maxFuture } = DEFAULT_SETTINGS;
  assertEquals(definitionHash({ maxFuture, userWindows }), hash);
  // Stored data is named by it: no renaming in the code may change it.
  assertEquals(hash, "4df5c96b4f2b963d");
  assertNotEquals(definitionHash({ ...DEFAULT_SETTINGS, maxFuture: 1 }), hash);
  assertNotEquals(definitionHash({ ...DEFAULT_SETTINGS, userWindows: ["1h"] }), hash);
});
