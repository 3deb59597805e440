/** What README says of the jobs on real servers, as it says it. One node of each has a machine that runs other tests. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { jsonLines, submissions } from "../support/archive.ts";
import { settle, watchOver } from "../../scripts/tools/servers/servers.ts";
import { block, Checkout } from "./_checkout.ts";

const README = "README.md";

/** Of the API, and of the jobs' metrics. */
const PORTS = [30080, 8081, 8082, 8083, 8084, 8085, 8090];

/** As `scripts/servers up` with the options that README names for fewer. */
const FEWER = { kafka: 1, datanodes: 1, elasticsearch: 1 };

/** A setting of the one job that makes the others' work. */
const LESS = "CONFIG__HISTORICAL__DAYS=1 CONFIG__HISTORICAL__SCALE=0.2";

Deno.test("README's jobs, each a process of its own, build, serve and prove a generation", async (t) => {
  await using checkout = await Checkout.make(PORTS);
  const data = `${checkout.folder}/data/servers`;
  await settle(data, FEWER);
  const { lines } = await block(README, "scripts/servers up");
  const history = "scripts/job generator historical";
  assert(lines.some((line) => line.startsWith(history)), `nobody runs ${history}`);
  // What is left where the commands, or this test, do not come to their end.
  const guard = watchOver(data, { remove: false });
  const program = checkout.start(lines.map((line) => line.replace(history, `${LESS} ${history}`)));
  const step = (name: string, work: () => Promise<void>) =>
    t.step(name, () =>
      work().catch((cause) => {
        throw new Error(`${cause}\n${program.transcript()}`, { cause });
      }));
  try {
    await step("generation 1 is served", async () => {
      // Beside the commands, which nobody holds up, somebody looks at what they serve.
      await program.until(async () => {
        const status = await fetch("http://localhost:30080/v1/status").then((r) => r.json())
          .catch(() => undefined);
        return status?.provenance?.generation === 1 ? true : undefined;
      }, { what: "generation 1 is served", seconds: 570 });
    });
    await step("all of it ends well", async () => {
      assertEquals(await program.ended(570), 0);
      assert(!program.stderr.includes("is no option"), program.stderr);
    });
  } finally {
    await guard.end();
  }
  await Checkout.make(PORTS).then((another) => another[Symbol.asyncDispose]());
  assertEquals(await Array.fromAsync(Deno.readDir(`${checkout.folder}/data`)), []);
});

Deno.test("README's demo on real servers runs to its end, and proves what it serves", async () => {
  await using checkout = await Checkout.make([30080]);
  const servers = `${checkout.folder}/data/servers`;
  await settle(servers, FEWER);
  // A demo marks the folders that it makes.
  await Deno.writeTextFile(`${checkout.folder}/data/.reddit-pipeline`, "");
  const { lines } = await block(README, "make demo BACKEND=servers");
  // A small archive takes the place of 7 days of history.
  const POSTS = `${checkout.folder}/RS_2024-02`;
  await Deno.writeFile(POSTS, jsonLines(submissions(200)));
  const guard = watchOver(servers, { remove: false });
  try {
    const { stdout } = await checkout.run(lines, { POSTS });
    assertMatch(stdout, /^ +verify +exact \(/m);
  } finally {
    await guard.end();
  }
});
