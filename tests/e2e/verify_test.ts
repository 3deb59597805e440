import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { type DemoFolder, onFolder } from "../support/demo.ts";

/** The first file below a folder whose path matches. */
async function findFile(folder: string, pattern: RegExp): Promise<string> {
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for await (const { name, isDirectory } of Deno.readDir(next)) {
      const path = `${next}/${name}`;
      if (isDirectory) folders.push(path);
      else if (pattern.test(path)) return path;
    }
  }
  throw new Error(`There is no ${pattern} in ${folder}`);
}

/** Changes the first byte after a text. */
async function changeAfter(path: string, text: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const at = new TextDecoder("latin1").decode(bytes).indexOf(text) + text.length;
  bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31;
  await Deno.writeFile(path, bytes);
}

/** Runs SQL on the newest generation. */
async function damageStore(data: string, sql: string): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(`${data}/store`))).map(({ name }) => name);
  const newest = names.filter((name) => /^generation-.*\.db$/.test(name)).sort().at(-1);
  const database = new DatabaseSync(`${data}/store/${newest}`);
  const { changes } = database.prepare(sql).run();
  database.close();
  assertEquals(changes, 1);
}

type Damage = [what: string, damage: (data: string) => Promise<void>, says: RegExp];

const DAMAGES: Damage[] = [
  [
    "a file that is gone",
    async (data) => await Deno.remove(await findFile(`${data}/dataset/data/posts`, /data_history/)),
    /^No such file: \/data\/posts\/year=/,
  ],
  [
    "a file with another digit",
    async (data) => {
      await changeAfter(await findFile(`${data}/dataset/data/posts`, /data_history/), '"score":');
    },
    /^\/data\/posts\/\S+ differs from its commit: /,
  ],
  [
    "a file of live records with another digit",
    async (data) => {
      const live = await findFile(`${data}/dataset/data/users`, /data_(?!history)/);
      await changeAfter(live, '"karma":');
    },
    /^\/data\/users\/\S+ differs from its commit: /,
  ],
  [
    "a batch document with another count",
    (data) =>
      damageStore(
        data,
        `UPDATE subreddit_activity SET body = json_set(body, '$.posts', 99999) WHERE id =
          (SELECT min(id) FROM subreddit_activity WHERE speed = 0)`,
      ),
    /differences\nbatch: subreddit_activity .*\n +expected .*\n +found .*99999/,
  ],
  [
    "a batch document that is gone",
    (data) =>
      damageStore(
        data,
        "DELETE FROM top_posts WHERE id = (SELECT min(id) FROM top_posts WHERE speed = 0)",
      ),
    /differences\nbatch: top_posts .*\n +expected .*\n +found +nothing/,
  ],
  [
    "a speed document with another count",
    (data) =>
      damageStore(
        data,
        `UPDATE user_activity SET body = json_set(body, '$.comments', 99999) WHERE id =
          (SELECT min(id) FROM user_activity WHERE speed = 1 AND type = 'user_total')`,
      ),
    /differences\nspeed: user_activity .*\n +expected .*\n +found .*99999/,
  ],
  [
    "a speed document that is gone",
    (data) =>
      damageStore(
        data,
        "DELETE FROM top_posts WHERE id = (SELECT min(id) FROM top_posts WHERE speed = 1)",
      ),
    /differences\nspeed: top_posts .*\n +expected .*\n +found +nothing/,
  ],
  [
    "an acknowledged record that never came",
    async (data) => {
      const ledger = `${data}/ledger.jsonl`;
      const [first] = (await Deno.readTextFile(ledger)).split("\n");
      const line = JSON.stringify({ ...JSON.parse(first!), hash: "0123456789abcdef", id: "lost" });
      await Deno.writeTextFile(ledger, `${line}\n`, { append: true });
    },
    /ledger: \S+ lost\n +expected once in the dataset\n +found +nothing/,
  ],
];

async function copyFolder(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-R", from, to] }).output();
  assertEquals(success, true);
}

async function checkDamage(folder: DemoFolder, [what, damage, says]: Damage): Promise<void> {
  const data = `${folder.path}/damaged`;
  await copyFolder(folder.data, data);
  await damage(data);
  const verified = await folder.verify(data);
  assertEquals(await verified.ended(), 1, `with ${what}`);
  assertMatch(verified.stdout + verified.stderr, says);
  await Deno.remove(data, { recursive: true });
}

Deno.test("verify proves a folder, also beside a demo, and finds every damage", async () => {
  await onFolder(async (folder) => {
    const demo = folder.start({ args: ["--scale=0.01"], RATE: "200", DURATION: "4s" });
    await demo.status("live records", (status) => status.layers.speed.records > 300);
    const beside = await folder.verify();
    assertEquals([await beside.ended(), beside.stderr], [0, ""]);
    assertMatch(beside.stdout, /^generation \d: exact \(/);
    // What is merged changes while it is looked at.
    assertEquals(beside.stdout.includes("merged keys"), false);
    assertEquals(await demo.ended(), 0);

    const stopped = await folder.verify();
    assertEquals([await stopped.ended(), stopped.stderr], [0, ""]);
    assertStringIncludes(stopped.stdout, demo.row("verify"));
    for (const damage of DAMAGES) await checkDamage(folder, damage);
  });
});

Deno.test("verify refuses a folder without data in one line", async () => {
  await onFolder(async (folder) => {
    const missing = await folder.verify();
    assertEquals([await missing.ended(), missing.stdout], [2, ""]);
    assertMatch(missing.stderr, /^There is no data folder .*\n$/);
    await Deno.mkdir(folder.data);
    const empty = await folder.verify();
    assertEquals([await empty.ended(), empty.stdout], [2, ""]);
    assertMatch(empty.stderr, /^There is no data folder .*\n$/);
  });
});
