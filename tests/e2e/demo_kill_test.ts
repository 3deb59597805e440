import { assert, assertEquals, assertMatch } from "@std/assert";
import { readLedger } from "@pipeline/generator";
import { type Demo, type DemoFolder, onFolder, pause } from "../support/demo.ts";

/** Ids of announced posts and comments in the ledger, from a line on, and the number of lines. */
async function ledger(folder: DemoFolder, from: number) {
  const ids = new Set<string>();
  let lines = 0;
  const path = `${folder.data}/ledger.jsonl`;
  if (await Deno.stat(path).catch(() => undefined) === undefined) return { ids, lines };
  for await (const line of readLedger(path)) {
    if (lines++ >= from && line.topic !== "reddit.users") ids.add(line.id);
  }
  return { ids, lines };
}

/** Resolves when the files of a further generation appear. */
async function building(demo: Demo, folder: DemoFolder): Promise<void> {
  const files = async () => {
    const found = await Array.fromAsync(Deno.readDir(`${folder.data}/store`)).catch(() => []);
    return found.filter(({ name }) => /^generation-.*\.db$/.test(name)).length;
  };
  await demo.says(/Resume|serves/);
  const before = await files();
  const more = async () => await files() > before ? true : undefined;
  await demo.until(more, { what: "a further generation" });
}

const live = (demo: Demo) =>
  demo.status("live records", (status) => status.layers.speed.records > 200);

const switched = (demo: Demo) => demo.says(/horizon moved/);

/** When the demo is killed: each of these moments, and a little later. */
const MOMENTS: [when: string, reached: (demo: Demo, folder: DemoFolder) => Promise<unknown>][] = [
  ["while history is generated", (demo) => demo.says(/Generate 7 days of history \d/)],
  ["while it is bootstrapped", (demo) => demo.says(/Bootstrap into the dataset \d/)],
  ["while the first batch folds", (demo) => demo.says(/Fold the dataset \d/)],
  ["while the first batch publishes", (demo) => demo.says(/Publish the views \d/)],
  ["while the first batch switches", (demo) => demo.says(/Switch the generation \d/)],
  ["while records are live", live],
  ["while the second batch publishes", building],
  ["after the second batch has switched", switched],
];

Deno.test("the demo survives kill -9 at any time, repeats no id and stays exact", async () => {
  await onFolder(async (folder) => {
    const runs: Set<string>[] = [];
    let known = 0;
    const learn = async () => {
      const { ids, lines } = await ledger(folder, known);
      known = lines;
      if (ids.size > 0) runs.push(ids);
    };
    for (const [i, [when, reached]] of MOMENTS.entries()) {
      const demo = folder.start({ args: ["--scale=0.04"], DURATION: "2s", RATE: "300" });
      await reached(demo, folder);
      await pause(i * 37 % 60);
      await demo.kill();
      assert(!demo.stdout.includes("Everything is in"), `it was not killed ${when}: it had ended`);
      await learn();
    }
    const demo = await folder.run({ DURATION: "3s", RATE: "300" });
    assertEquals(await demo.ended(), 0);
    assertEquals(demo.stderr, "");
    assertMatch(demo.stdout, /Resume with generation \d/);
    assert(demo.figure("generation") >= 3);
    await learn();

    // What was acknowledged is there once; what the log took unacknowledged is there, too.
    const once = `${known.toLocaleString("en-US")} acknowledged records once each`;
    assertMatch(demo.row("verify"), new RegExp(`^exact .* ${once}`));
    assert(demo.figure("ingested") >= known);
    assert(runs.length >= 4, `only ${runs.length} runs produced anything`);
    const all = new Set(runs.flatMap((ids) => [...ids]));
    assertEquals(all.size, runs.reduce((sum, ids) => sum + ids.size, 0));
  });
});

Deno.test("an archive that was loaded before kill -9, but not served, is served by the next run", async () => {
  await onFolder(async (folder) => {
    const first = await folder.run({ args: ["--scale=0.01"], DURATION: "1s", RATE: "0" });
    const history = first.figure("history");
    const posts = Array.from({ length: 20 }, (_, i) => ({
      id: `z${i}`,
      author: "a",
      subreddit: "late",
      title: "t",
      created_utc: 1_700_000_000 + i,
      score: i,
    }));
    const lines = posts.map((post) => JSON.stringify(post)).join("\n");
    const POSTS = await folder.file("RS_2023-11", lines);
    const killed = folder.start({ POSTS, RATE: "0" });
    await killed.says(/Fold the dataset/);
    await killed.kill();

    const demo = folder.start({ RATE: "0" });
    await demo.says(/Serving; nothing is produced/);
    const { items } = await demo.get("/v1/subreddits/late/top?k=100");
    assertEquals(items.length, 20);
    demo.signal("SIGINT");
    assertEquals(await demo.ended(), 0);
    assertMatch(demo.row("verify"), /^exact/);
    assertEquals(demo.figure("history"), history + 20);
  });
});
