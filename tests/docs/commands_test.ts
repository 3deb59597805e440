/** What pages tell people to type is run by a test, or held against what its program knows. */

import { assert, assertEquals } from "@std/assert";
import { type Block, blocksOf, commandsOf, inlineCommands, words } from "./_commands.ts";
import { problemOf } from "./_known.ts";
import { roleOf } from "./_roles.ts";

async function pages(): Promise<string[]> {
  const { stdout, success } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
  }).output();
  assert(success, "git ls-files failed");
  // A page that is deleted and not yet committed is listed too.
  const listed = new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "");
  return listed.filter((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

const PAGES = await pages();
const PROGRAMS = /^(?:[A-Z]+=\S* )*(?:make|kubectl|helm|deno task|scripts\/\w+) \S/;

const texts = new Map(
  await Promise.all(PAGES.map(async (page) => [page, await Deno.readTextFile(page)] as const)),
);
const blocks: readonly Block[] = [...texts].flatMap(([page, text]) => blocksOf(page, text));

Deno.test("every block of code in a page has a role", () => {
  const lost = blocks.filter((block) => roleOf(block) === undefined);
  assertEquals(lost.map(({ page, lines }) => `${page}: ${lines[0]}`), []);
});

Deno.test("the test that is named for a block reads the block's page", async () => {
  for (const block of blocks) {
    const role = roleOf(block);
    if (typeof role !== "object") continue;
    const test = await Deno.readTextFile(role.run);
    assert(test.includes(`"${block.page}"`), `${role.run} does not read ${block.page}`);
  }
});

for (const page of PAGES) {
  const read = blocks.filter((block) => block.page === page && roleOf(block) !== "figure");
  const commands = [
    ...read.flatMap(commandsOf),
    ...inlineCommands(texts.get(page)!, PROGRAMS),
  ];
  if (commands.length === 0) continue;
  Deno.test(`commands of ${page} are known to their programs`, async () => {
    const problems: string[] = [];
    const defined = new Set<string>();
    for (const command of new Set(commands)) {
      const problem = await problemOf(command, defined);
      if (problem !== undefined) problems.push(`${command}: ${problem}`);
    }
    assertEquals(problems, []);
  });
}

Deno.test("problemOf() finds what no program knows", async () => {
  const wrong = [
    "make deploi",
    "scripts/servers up --kafka 1 --brokers 2",
    "scripts/job sped",
    "scripts/job ingest runn",
    "scripts/job batch run --ful",
    "SIM_SEEDS=1 scripts/testt tests/sim",
    "scripts/test tests/nowhere",
    "deno task fault",
    "deno task faults --onli 1",
    "helm instal reddit charts/reddit-pipeline",
    "helm install reddit charts/reddit-pipeline -f charts/reddit-pipeline/values-dev.yml",
    "helm install reddit charts/reddit-pipeline --set kafak.replicas=2",
    "helm test reddit --namespac x",
    "pipeline deploy",
    "if true; then make test",
  ];
  for (const command of wrong) {
    assert(await problemOf(command) !== undefined, `nothing is wrong with ${command}`);
  }
});

Deno.test("blocksOf() and commandsOf() read what a person sees", () => {
  const text = [
    "Words.",
    "",
    "    make demo      # the demo",
    "",
    "    scripts/job a | \\",
    "      tail '# not a comment'",
    "- item",
    "",
    "      curl 'x#y'",
    "",
    "```",
    "helm version",
    "```",
  ].join("\n");
  const found = blocksOf("a.md", text);
  assertEquals(found.map(commandsOf), [
    ["make demo", "scripts/job a | tail '# not a comment'"],
    ["curl 'x#y'"],
    ["helm version"],
  ]);
  assertEquals(words(`a 'b c' --d="e f"`), ["a", "b c", "--d=e f"]);
});
