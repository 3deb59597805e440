/** `scripts/servers`, as a user calls it. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isAlive, readPid, startOf } from "../../scripts/tools/servers/process.ts";
import { wheelJava } from "../../scripts/tools/servers/provide.ts";

const SCRIPT = new URL("../../scripts/servers", import.meta.url).pathname;

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return await runWith({}, args);
}

async function runWith(env: Record<string, string>, args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(SCRIPT, {
    args,
    env,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("servers: up, status, config, down", async (t) => {
  const folder = await Deno.makeTempDir();
  const data = `${folder}/servers`;
  const counts = ["--kafka=1", "--datanodes=0", "--elasticsearch=0"];
  try {
    await t.step("up starts what was asked for", async () => {
      const { code, out, err } = await run("up", ...counts, "--data", data);
      assertEquals([code, err], [0, ""]);
      assert(/^kafka-1 +127\.0\.0\.1:\d+ +pid \d+$/m.test(out), out);
      assertStringIncludes(out, `scripts/servers down --data ${data}`);
    });
    await t.step("up again changes nothing", async () => {
      const before = await run("status", "--data", data);
      assertEquals((await run("up", "--data", data)).code, 0);
      assertEquals((await run("status", "--data", data)).out, before.out);
    });
    await t.step("config is a job's, for the parts asked for", async () => {
      const { out } = await run("config", "--data", data, "--only", "kafka");
      const { kafka, ...rest } = JSON.parse(out);
      assertEquals(rest, {});
      assertEquals([kafka.brokers.length, kafka.replication], [1, 1]);
    });
    await t.step("status ends with 1 where one does not run", async () => {
      Deno.kill(readPid(`${data}/kafka-1`)!.pid, "SIGKILL");
      const { code, out } = await run("status", "--data", data);
      assertEquals(code, 1);
      assertStringIncludes(out, "does not run");
    });
    await t.step(
      "a stranger with the number of one that ended is neither shown nor killed",
      async () => {
        const stranger = new Deno.Command("sleep", { args: ["600"] }).spawn();
        try {
          const [, ...start] = (await Deno.readTextFile(`${data}/kafka-1/pid`)).split("\n");
          const stale = [stranger.pid, ...start].join("\n");
          await Deno.writeTextFile(`${data}/kafka-1/pid`, stale);
          assertStringIncludes((await run("status", "--data", data)).out, "does not run");
          assertEquals((await run("down", "--keep", "--data", data)).code, 0);
          assert(startOf(stranger.pid) !== undefined, "the stranger was killed");
        } finally {
          stranger.kill();
          await stranger.status;
        }
      },
    );
    await t.step("down leaves nothing behind", async () => {
      assertEquals((await run("up", "--data", data)).code, 0);
      const id = readPid(`${data}/kafka-1`)!;
      assertEquals((await run("down", "--data", data)).code, 0);
      assert(!isAlive(id), "the process is still there");
      assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
    });
    await t.step("what is not there is said in one line", async () => {
      for (const command of ["down", "status", "config"]) {
        const { code, err } = await run(command, "--data", `${folder}/nothing`);
        assertEquals([code > 0, err.trimEnd().split("\n").length], [true, 1], err);
        assertStringIncludes(err, "There are no servers in");
      }
      const { code, err } = await run("up", "--kafka=many", "--data", data);
      assertEquals(code, 2);
      assertStringIncludes(err, "many");
    });
  } finally {
    await run("down", "--data", data);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("servers run on the Java that takes the place of a missing one", async () => {
  const { home } = await wheelJava();
  const folder = await Deno.makeTempDir();
  const data = `${folder}/servers`;
  const counts = ["--kafka=1", "--datanodes=1", "--elasticsearch=1"];
  try {
    const { code, err } = await runWith({ JAVA_HOME: home }, ["up", ...counts, "--data", data]);
    assertEquals([code, err], [0, ""]);
    for (const name of ["kafka-1", "namenode", "datanode-1", "elasticsearch-1"]) {
      const { pid } = readPid(`${data}/${name}`)!;
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
      assert(command.startsWith(`${home}/bin/java`), `${name} runs on another Java: ${command}`);
    }
  } finally {
    await run("down", "--data", data);
    await Deno.remove(folder, { recursive: true });
  }
});
