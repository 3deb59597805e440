import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  comments,
  countLines,
  type Expected,
  jsonLines,
  type Line,
  readArchive,
  submissions,
  zstd,
} from "../support/archive.ts";
import { type Demo, type DemoFolder, onFolder } from "../support/demo.ts";

/** Distinct counts are exact up to so many, and close beyond. */
const EXACT = 128;

/** Compares all that the API says with what the lines say. */
async function checkAnswers(demo: Demo, expected: Expected): Promise<void> {
  const { days, top, users, subredditNames, userNames } = expected;
  for (const [subreddit, byDay] of days) {
    // However it is asked for, it is shown as it was written last.
    const asked = subreddit.replace(/[a-z]/g, (letter) => letter.toUpperCase());
    const path = `/v1/subreddits/${encodeURIComponent(asked)}`;
    const { subreddit: shown, items, provenance } = await demo.get(`${path}/activity?window=1d`);
    assertEquals([provenance.lag, provenance.partial], [0, false]);
    assertEquals(shown, subredditNames.get(subreddit)!.name);
    const expected = [...byDay].sort(([a], [b]) => a < b ? -1 : 1);
    assertEquals(
      items.map((item: Record<string, unknown>) => [item.window_start, item.posts, item.comments]),
      expected.map(([start, day]) => [start, day.posts, day.comments]),
      subreddit,
    );
    for (const [i, [start, { authors }]] of expected.entries()) {
      const off = Math.abs(items[i].active_users - authors.size);
      const allowed = authors.size <= EXACT ? 0 : authors.size * 0.06;
      assert(off <= allowed, `${subreddit} ${start}: ${items[i].active_users} of ${authors.size}`);
    }

    const best = await demo.get(`${path}/top?k=100`);
    const posts = top.get(subreddit) ?? [];
    assertEquals(best.exact, true);
    assertEquals(
      best.items.map((item: Record<string, unknown>) => [item.post_id, item.score]),
      posts.slice(0, 100).map(({ id, score }) => [id, score]),
    );
  }
  const names = [...users.keys()];
  // All of a few, and some of very many.
  for (const name of names.filter((_, i) => i % Math.ceil(names.length / 150) === 0)) {
    const path = `/v1/users/${encodeURIComponent(name)}/activity`;
    const { user_id, totals } = await demo.get(path);
    assertEquals(user_id, userNames.get(name)!.name);
    const { posts, comments, subreddits } = users.get(name)!;
    assertEquals(
      [totals.posts, totals.comments, totals.subreddits],
      [posts, comments, Math.min(subreddits.size, EXACT)],
      name,
    );
  }
}

/** Names that no line holds are not known, whatever else is. */
async function checkUnknown(demo: Demo): Promise<void> {
  for (const path of ["/v1/subreddits/not_there/top", "/v1/users/not_there/activity"]) {
    const response = await demo.fetch(path);
    const { detail, provenance } = await response.json();
    assertEquals(
      [response.status, response.headers.get("content-type"), provenance.partial],
      [404, "application/problem+json", false],
    );
    assertStringIncludes(detail, '"not_there"');
  }
}

/** Explores archives as a person would, and ends with Ctrl-C. */
async function explore(
  folder: DemoFolder,
  files: { readonly POSTS?: string; readonly COMMENTS?: string },
  expected: Expected,
): Promise<Demo> {
  const demo = folder.start({ ...files, RATE: "0" });
  await demo.says(/Serving; nothing is produced/);
  await checkAnswers(demo, expected);
  await checkUnknown(demo);
  demo.signal("SIGINT");
  assertEquals(await demo.ended(), 0);
  assertEquals(demo.stderr, "");
  assertEquals(demo.figure("produced"), 0);
  assertMatch(demo.row("verify"), /^exact/);
  return demo;
}

Deno.test("the demo serves archives of posts and comments as their lines have them", async () => {
  await onFolder(async (folder) => {
    const posts = [submissions(300), submissions(200, 300)];
    const replies = comments(700);
    // A window that decoders refuse by default, and two frames of which the second must not be lost.
    const long = await folder.file("RS_2024-02.zst", await zstd(jsonLines(posts[0]!), 28));
    const plain = await folder.file("RS_2024-03", jsonLines(posts[1]!));
    const frames = [replies.slice(0, 333), replies.slice(333)]
      .map((lines) => zstd(jsonLines(lines), 17));
    const bytes = (await Promise.all(frames)).flatMap((frame) => [...frame]);
    const two = await folder.file("RC_2024-02.zst", new Uint8Array(bytes));

    const files = { POSTS: `${long} ${plain}`, COMMENTS: two };
    const demo = await explore(folder, files, countLines(posts.flat(), replies));
    assertEquals(demo.figure("history"), 1200);
    assertStringIncludes(demo.stdout, `Read ${long}: done in `);

    // The same again adds nothing; without archives, what is there is served.
    for (const again of [files, {}]) {
      const next = folder.start({ ...again, DURATION: "1s", RATE: "0" });
      assertEquals(await next.ended(), 0);
      assertEquals([next.figure("history"), next.figure("generation")], [1200, 1]);
      assertStringIncludes(next.stdout, "Resume with generation 1");
    }
  });
});

Deno.test("the demo serves comments without their posts, and archives that are added later", async () => {
  await onFolder(async (folder) => {
    const replies = comments(120);
    const COMMENTS = await folder.file("RC_2024-02.zst", await zstd(jsonLines(replies), 20));
    await explore(folder, { COMMENTS }, countLines([], replies));

    const posts = submissions(60);
    const POSTS = await folder.file("RS_2024-02.zst", await zstd(jsonLines(posts), 20));
    const demo = await explore(folder, { POSTS }, countLines(posts, replies));
    assertStringIncludes(demo.stdout, "The folder holds 120 records of other loads too");
    assertEquals(demo.figure("generation"), 2);
  });
});

Deno.test("the demo shows each post as it was retrieved last, in whichever archive", async () => {
  const line = (score: number, retrieved: Line): Line => ({
    ...{ id: "p", author: "ann", subreddit: "news", title: `Title ${score}`, selftext: "" },
    ...{ created_utc: "2024-02-28 00:00:00+00:00", score, num_comments: 0, ...retrieved },
  });
  const day = 86_400;
  const start = Date.UTC(2024, 1, 28) / 1000;
  // Within a file, too; as text, the greatest score comes last.
  const early = [line(7, { retrieved_on: start + day }), line(9, {})];
  const late = [
    line(1, { retrieved_on: start, _meta: { retrieved_2nd_on: start + 3 * day } }),
    line(8, { retrieved_utc: start + 2 * day }),
  ];
  for (const order of [[early, late], [late, early]]) {
    await onFolder(async (folder) => {
      for (const [i, lines] of order.entries()) {
        const POSTS = await folder.file(`RS_${i}`, jsonLines(lines));
        const demo = folder.start({ POSTS, RATE: "0" });
        await demo.says(/Serving; nothing is produced/);
        const { items, exact } = await demo.get("/v1/subreddits/news/top?k=5");
        const best = lines === early && i === 0 ? [7, 1] : [1, 3];
        assertEquals(exact, true);
        assertEquals(
          items.map((item: Record<string, unknown>) => [item.score, item.timestamp]),
          [[best[0], new Date((start + best[1]! * day) * 1000).toISOString()]],
        );
        demo.signal("SIGINT");
        assertEquals(await demo.ended(), 0);
        assertMatch(demo.row("verify"), /^exact/);
      }
    });
  }
});

// Not in the repository: they belong to those who wrote them.
const samples = Deno.env.get("REDDIT_ARCHIVES");
const dumps = [...samples === undefined ? [] : Deno.readDirSync(samples)]
  .map(({ name }) => name).filter((name) => /^R[SC]_.*\.zst$/.test(name)).sort();

Deno.test({
  name:
    "the demo serves real archives as their lines say (set REDDIT_ARCHIVES to a folder of RS_*.zst and RC_*.zst)",
  ignore: dumps.length === 0,
  fn: async () => {
    await onFolder(async (folder) => {
      const of = (kind: string) =>
        dumps.filter((name) => name.startsWith(kind)).map((name) => `${samples}/${name}`);
      const lines = async (paths: string[]) => (await Promise.all(paths.map(readArchive))).flat();
      const [posts, replies] = [await lines(of("RS")), await lines(of("RC"))];
      const files = { POSTS: of("RS").join(" "), COMMENTS: of("RC").join(" ") };
      const demo = await explore(folder, files, countLines(posts, replies));
      assertEquals(demo.figure("history"), posts.length + replies.length);
    });
  },
});
