/** What README says of the demo, as it says it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { block, Checkout } from "../docs/_checkout.ts";
import { commandsOf } from "../docs/_commands.ts";
import { comments, jsonLines, submissions, zstd } from "../support/archive.ts";

const README = "README.md";

/** So that an answer other than 200 fails. */
const STRICT = 'curl() { command curl --fail --silent --show-error "$@"; }';

Deno.test("README's demo answers what README asks, and is verified", async () => {
  await using checkout = await Checkout.make([30080]);
  const [demo, fast, archive, ...more] = commandsOf(await block(README, "make demo DURATION"));
  assertEquals(more, []);
  const asked = await block(README, "curl ");
  const verify = await block(README, "make verify");

  const program = checkout.start([demo!]);
  try {
    await program.says(/Generation 1 serves/);
    for (const command of commandsOf(asked)) {
      const { stdout } = await checkout.run([STRICT, command]);
      const answer = JSON.parse(stdout);
      assert(answer.provenance !== undefined, `${command}: ${stdout}`);
      if (answer.items !== undefined) assert(answer.items.length > 0, `${command}: ${stdout}`);
    }
    await checkout.run(commandsOf(verify));
    assertEquals(await program.ended(300), 0);
  } catch (cause) {
    throw new Error(program.transcript(), { cause });
  }

  // After it, on the same data; variables of the environment end what ends by Ctrl-C only.
  await checkout.run([fast!], { DURATION: "5s" });
  await checkout.run(commandsOf(verify));
  const files = { "RS_2019-10.zst": submissions(200), "RC_2019-10.zst": comments(300) };
  for (const [name, lines] of Object.entries(files)) {
    await Deno.writeFile(`${checkout.folder}/${name}`, await zstd(jsonLines(lines), 27));
  }
  const { stdout } = await checkout.run([archive!], { DURATION: "2s" });
  assertMatch(stdout, /Generation 1 serves: 5\d\d records/);
});
