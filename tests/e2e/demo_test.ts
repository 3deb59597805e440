import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { jsonLines, submissions } from "../support/archive.ts";
import { type Demo, onFolder, pause } from "../support/demo.ts";

/** What an answer says of itself, as far as it is looked at here. */
interface Provenance {
  readonly generation: number;
  readonly horizon: Record<string, number[]>;
  readonly folded: Record<string, number[]>;
  readonly lag: number;
  readonly partial: boolean;
  readonly missing: string[];
}

const sum = (offsets: Record<string, number[]>) =>
  Object.values(offsets).flat().reduce((a, b) => a + b, 0);

/** Holds an answer's provenance to what is true of every one. */
function checkProvenance({ horizon, folded, lag, partial, missing }: Provenance): void {
  assertEquals([partial, missing], [false, []]);
  assert(Number.isInteger(lag) && lag >= 0, `a lag of ${lag}`);
  assertEquals(Object.keys(horizon), ["reddit.posts", "reddit.comments", "reddit.users"]);
  for (const [topic, offsets] of Object.entries(horizon)) {
    assertEquals([offsets.length, folded[topic]!.length], [3, 3]);
    for (const [p, offset] of offsets.entries()) assert(offset <= folded[topic]![p]!);
  }
}

/** What must never go down, and what must always be equal, from one answer to the next. */
class Watcher {
  readonly generations = new Set<number>();
  answers = 0;
  #before: Readonly<Record<string, number>> = {};

  constructor(readonly history: number) {}

  /** Asks for the status and one subreddit's whole activity. */
  async look(demo: Demo, subreddit: string): Promise<void> {
    const status = await demo.get("/v1/status");
    checkProvenance(status.provenance);
    const { batch, speed } = status.layers;
    // Every record is counted by exactly one layer, on either side of the switch.
    assertEquals(batch.records + speed.records, this.history + sum(status.folded));
    assertEquals(batch.records, this.history + sum(status.horizon));

    const activity = await demo.get(`/v1/subreddits/${subreddit}/activity?window=1d`);
    checkProvenance(activity.provenance);
    const totals = { posts: 0, comments: 0 };
    for (const { posts, comments } of activity.items) {
      totals.posts += posts;
      totals.comments += comments;
    }
    const { generation, folded } = activity.provenance;
    const now = { ...totals, generation, folded: sum(folded) };
    for (const [name, value] of Object.entries(now)) {
      const before = this.#before[name] ?? 0;
      assert(value >= before, `${name} went from ${before} to ${value}`);
    }
    this.#before = now;
    this.generations.add(generation);
    this.answers++;
  }
}

async function checkViews(demo: Demo): Promise<string> {
  const list = await demo.get("/v1/subreddits?sort=posts&window=1d&limit=3");
  checkProvenance(list.provenance);
  assertEquals(list.items.length, 3);
  const { subreddit } = list.items[0];

  const top = await demo.get(`/v1/subreddits/${subreddit}/top?k=5`);
  checkProvenance(top.provenance);
  assertEquals([top.items.length, top.exact], [5, true]);
  const scores = top.items.map((item: { score: number }) => item.score);
  assertEquals(scores, scores.toSorted((a: number, b: number) => b - a));

  const user = await demo.get(`/v1/users/${top.items[0].user_id}/activity`);
  checkProvenance(user.provenance);
  assert(user.totals.posts >= 1 && user.totals.subreddits >= 1);
  let posts = 0;
  for (const window of user.items) posts += window.posts;
  assertEquals(posts, user.totals.posts);
  return subreddit;
}

async function checkSystem(demo: Demo): Promise<void> {
  assertEquals((await demo.get("/healthz")).live, true);
  assertEquals((await demo.get("/readyz")).ready, true);
  const paths = Object.keys((await demo.get("/openapi.json")).paths);
  for (const path of ["/v1/subreddits/{subreddit}/top", "/v1/status", "/v1/stream", "/healthz"]) {
    assert(paths.includes(path), `${path} is not described`);
  }
  const metrics = await demo.fetch("/metrics");
  assertMatch(await metrics.text(), /^serving_\w+/m);

  const page = await demo.fetch("/");
  const html = await page.text();
  assertStringIncludes(page.headers.get("content-type") ?? "", "text/html");
  for (const [, path] of html.matchAll(/(?:src|href)="([^"#:]+)"/g)) {
    const part = await demo.fetch(new URL(path!, "http://x/").pathname);
    await part.body?.cancel();
    assertEquals(part.status, 200, `${path} of the page`);
  }
  const problem = await demo.fetch("/v1/subreddits/x/top?k=many");
  assertEquals([problem.status, problem.headers.get("content-type")], [
    400,
    "application/problem+json",
  ]);
  assertStringIncludes((await problem.json()).detail, "many");
}

async function checkStream(demo: Demo): Promise<void> {
  const stream = await demo.fetch("/v1/stream");
  let text = "";
  for await (const part of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("event: summary").length > 2) break;
  }
  const data = /^data: (.*)$/m.exec(text)?.[1];
  const summary = JSON.parse(data ?? "null");
  checkProvenance(summary.provenance);
  assert(summary.minutes.length > 0 && summary.top.items.length > 0);
}

Deno.test("make demo runs to its end, answers all the while, and proves its answers", async () => {
  await onFolder(async (folder) => {
    const demo = folder.start({ make: true, DURATION: "14s", RATE: "150" });
    const [, records] = await demo.says(/Generation 1 serves: ([\d,]+) records/);
    const subreddit = await checkViews(demo);
    const watcher = new Watcher(Number(records!.replaceAll(",", "")));
    await checkSystem(demo);
    await checkStream(demo);
    while (!demo.stdout.includes("Draining")) {
      try {
        await watcher.look(demo, subreddit);
      } catch (error) {
        if (!demo.stdout.includes("Draining")) throw error;
      }
      await pause(20);
    }
    assertEquals(await demo.ended(), 0);
    assertEquals(demo.stderr, "");

    assertEquals([...watcher.generations], [1, 2]);
    assert(watcher.answers > 20, `only ${watcher.answers} answers`);
    assertEquals(demo.figure("history"), watcher.history);
    const produced = demo.figure("produced");
    assert(produced >= 14 * 150 * 0.9 && produced <= 14 * 150 * 1.1, `${produced} were produced`);
    assertEquals([demo.figure("ingested"), demo.figure("folded")], [produced, produced]);
    assert(demo.figure("generation") >= 2);
    const latency = /p50 (\d+) ms · p99 (\d+) ms · max (\d+) ms \(([\d,]+) records\)/
      .exec(demo.row("produce → visible in the API"))!;
    const [p50, p99, max] = latency.slice(1, 4).map(Number) as [number, number, number];
    assert(0 < p50 && p50 <= p99 && p99 <= max, latency[0]);
    assertEquals(Number(latency[4]!.replaceAll(",", "")), produced);
    assertMatch(demo.row("verify"), /^exact \(.* merged keys/);
    assertStringIncludes(demo.stdout, `Everything is in ${folder.data}`);
    // No terminal: plain lines, and not too many of them.
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    assert(!/[\x00-\x09\x0b-\x1f]/.test(demo.stdout));
    assert(demo.stdout.split("\n").length < 40);
  });
});

Deno.test("the demo drains at Ctrl-C, at any time, and the next run resumes from there", async () => {
  await onFolder(async (folder) => {
    const moments = [/Generate/, /Bootstrap/, /Fold the/, /Publish/, /Generation \d+ serves/];
    for (const moment of moments) {
      const demo = folder.start({ args: ["--scale=0.03"] });
      await demo.says(moment);
      demo.signal("SIGINT");
      assertEquals(await demo.ended(), 0, `after ${moment}`);
      assertEquals(demo.stderr, "");
      assertStringIncludes(demo.stdout, "press Ctrl-C again to end at once");
      assertStringIncludes(demo.stdout, `Everything is in ${folder.data}`);
    }
    const demo = folder.start();
    await demo.says(/Resume with generation \d+/);
    await demo.status("live records", (status) => status.layers.speed.records > 50);
    demo.signal("SIGINT");
    assertEquals(await demo.ended(), 0);
    const ingested = demo.figure("ingested");
    assert(ingested > 50 && ingested >= demo.figure("produced"));
    assertEquals(demo.figure("folded"), ingested);
    assertMatch(demo.row("verify"), /^exact/);
  });
});

Deno.test("the demo ends at once at a second Ctrl-C, and make with it", async () => {
  await onFolder(async (folder) => {
    const POSTS = await folder.file("RS_2024-02", jsonLines(submissions(200)));
    const demo = folder.start({ make: true, POSTS, RATE: "500" });
    await demo.status("live records", (status) => status.layers.speed.records > 500);
    demo.signal("SIGINT");
    await demo.says(/Draining/);
    demo.signal("SIGINT");
    assertEquals(await demo.ended(), -1);
    assert(!demo.stdout.includes("Everything is in"), "it drained all the same");
    const next = await folder.run({ DURATION: "1s", RATE: "10" });
    assertEquals(await next.ended(), 0);
    assertMatch(next.row("verify"), /^exact/);
    assert(next.figure("ingested") > 500);
  });
});

Deno.test("the demo moves one line where there is a terminal", async () => {
  await onFolder(async (folder) => {
    const POSTS = await folder.file("RS_2024-02", jsonLines(submissions(200)));
    const demo = await folder.run({ POSTS, terminal: true, DURATION: "3s" });
    assertEquals(await demo.ended(), 0);
    const shown = demo.stdout.split("\r\x1b[2K");
    assert(shown.length > 10, "no line moves");
    assertMatch(demo.stdout, /Bootstrap into the dataset [█░]+ +\d+ %/);
    for (const line of shown.slice(0, -1)) {
      const status = line.split("\n").at(-1)!;
      assert([...status].length < 80, `${status} is too long for a terminal of 80 columns`);
    }
    assertMatch(demo.row("verify"), /^exact/);
  });
});
