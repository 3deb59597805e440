import { assert, assertEquals } from "@std/assert";
import { openEmbedded } from "@pipeline/adapters/embedded";
import { readAll } from "./event_log_suite.ts";
import { readFile } from "./master_dataset_suite.ts";
import { pause, text } from "./suite.ts";

const ROUNDS = 4;

/** Runs a child on the folder, kills it in the middle, and returns what it was told is done. */
async function killed(folder: string, what: string, round: number): Promise<string[]> {
  const script = new URL("./kill_child.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", script, folder, what, String(round)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let output = "";
  let kill: Promise<void> | undefined;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    // A busy machine takes its time: it is the second line that shows that the work goes on.
    if (output.indexOf("\n") === output.lastIndexOf("\n")) continue;
    kill ??= pause(50 + Math.random() * 250).then(() => child.kill("SIGKILL"));
  }
  await kill;
  assertEquals((await child.status).signal, "SIGKILL");
  // The last line may have been cut short, too.
  return output.slice(0, output.lastIndexOf("\n")).split("\n");
}

/** Runs rounds of killing on one folder, with a look at what is left after each. */
async function rounds(
  what: string,
  check: (ports: ReturnType<typeof openEmbedded>, lines: string[], all: string[]) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const all: string[] = [];
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const lines = await killed(folder, what, round);
      all.push(...lines);
      const ports = openEmbedded(folder);
      await check(ports, lines, all);
      await ports.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("embedded log: after kill -9 every acknowledged record is there once, at its offset", async () => {
  await rounds("log", async ({ log }, _, all) => {
    const acknowledged = new Map(all.map((line) => {
      const [partition, offset, key] = line.split(" ");
      return [key!, `${partition} ${offset}`];
    }));
    assertEquals(acknowledged.size, all.length);
    const found = new Map<string, string>();
    for (const { partition, end } of await log.ranges("t")) {
      for (const { key, value, offset } of await readAll(log, "t", partition, 0, end)) {
        assert(!found.has(key), `${key} is there twice`);
        assert(text(value)!.startsWith(key) && value!.length % key.length === 0);
        found.set(key, `${partition} ${offset}`);
      }
    }
    for (const [key, place] of acknowledged) assertEquals(found.get(key), place);
  });
});

Deno.test("embedded dataset: after kill -9 every rename that was answered is whole", async () => {
  await rounds("dataset", async ({ dataset }, _, all) => {
    const names = new Set((await dataset.list("/commits")).map((entry) => entry.name));
    for (const name of all) assert(names.has(name), `${name} is gone`);
    for (const name of names) {
      assertEquals(text(await readFile(dataset, `/commits/${name}`)), name.repeat(1_000));
    }
  });
});

Deno.test("embedded store: after kill -9 every write that was answered is there", async () => {
  await rounds("store", async ({ store }, lines) => {
    assertEquals(await store.generations(), [1]);
    assertEquals(await store.current(), 1);
    const last = Number(lines.at(-1));
    const control = await store.control("folded");
    assert(control!.version >= last && control!.body === control!.version);
    const { documents } = await store.search(1, "user_activity", { order: "id", limit: 1_000 });
    assertEquals(documents.length, 700);
    for (const { version, body } of documents) {
      assert(version >= last, `version ${version} is older than the acknowledged ${last}`);
      assert(body.type === "user_total" && body.karma === version);
    }
  });
});
