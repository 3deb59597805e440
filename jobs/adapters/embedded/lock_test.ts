import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { acquireLock, openEmbedded } from "./mod.ts";

async function withFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("acquireLock() refuses a folder in use and names it and its holder", () =>
  withFolder((folder) => {
    const lock = acquireLock(`${folder}/data`);
    const error = assertThrows(() => acquireLock(`${folder}/data`), PipelineError);
    assertEquals(error.code, "conflict");
    assertEquals(
      error.message,
      `Data folder ${folder}/data is in use by process ${Deno.pid}`,
    );
    lock.release();
    lock.release();
    acquireLock(`${folder}/data`).release();
  }));

Deno.test("acquireLock() reports in one line that a folder cannot be used", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const error = assertThrows(() => acquireLock(`${folder}/file`), PipelineError);
    assertEquals(error.code, "invalid");
    assertStringIncludes(error.message, `${folder}/file`);
    assert(!error.message.includes("\n"));
  }));

Deno.test("acquireLock() succeeds once the owner's process was killed", () =>
  withFolder(async (folder) => {
    const mod = new URL("./mod.ts", import.meta.url).href;
    const code = `import { acquireLock } from ${JSON.stringify(mod)};
      acquireLock(${JSON.stringify(folder)});
      Deno.stdout.writeSync(new TextEncoder().encode("held"));
      setTimeout(() => {}, 60_000);`;
    Deno.writeTextFileSync(`${folder}/child.ts`, code);
    const config = new URL("../../../deno.json", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", `--config=${config}`, `${folder}/child.ts`],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    const error = assertThrows(() => acquireLock(folder), PipelineError);
    assertStringIncludes(error.message, `in use by process ${child.pid}`);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    acquireLock(folder).release();
  }));

Deno.test("openEmbedded() can read and join beside the owner, who alone appends", () =>
  withFolder(async (folder) => {
    assertThrows(() => openEmbedded(folder, { access: "read" }), PipelineError);
    const owner = openEmbedded(folder);
    assertThrows(() => openEmbedded(folder), PipelineError);
    await owner.log.ensureTopics([{ topic: "t", partitions: 1 }]);
    const producer = await owner.log.producer();
    const send = (key: string) => producer.send([{ topic: "t", key, value: null, partition: 0 }]);
    await send("a");
    const reader = openEmbedded(folder, { access: "read" });
    const joined = openEmbedded(folder, { access: "join" });
    await send("b");
    await owner.store.createGeneration(1);
    for (const { log, store } of [reader, joined]) {
      assertEquals(await log.ranges("t"), [{ partition: 0, earliest: 0, end: 2 }]);
      assertEquals(await store.generations(), [1]);
    }
    await joined.store.createGeneration(2);
    await joined.dataset.write("/a", new Uint8Array(3));
    assertEquals((await reader.dataset.status("/a"))?.length, 3);
    assertEquals(await owner.store.generations(), [1, 2]);
    for (
      const refused of [
        () => joined.log.producer(),
        () => reader.log.ensureTopics([{ topic: "u", partitions: 1 }]),
        () => reader.dataset.write("/b", new Uint8Array(3)),
        () => reader.store.createGeneration(3),
      ]
    ) {
      const error = await refused().then(() => undefined, (error) => error);
      assertEquals((error as PipelineError).code, "invalid");
    }
    for (const ports of [reader, joined, owner]) await ports.close();
    const after = openEmbedded(folder, { access: "read" });
    assertEquals(await after.store.generations(), [1, 2]);
    await after.close();
  }));
