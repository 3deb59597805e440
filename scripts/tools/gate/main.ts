import { help } from "../run.ts";
import { needsCluster } from "./files.ts";
import { runGate } from "./gate.ts";
import { Tally } from "./tally.ts";

/** Milliseconds that a test may take, also on a busy machine. */
const LIMIT = 10 * 60_000;

/** On a cluster, a whole installation is one step. */
const LIMIT_ON_CLUSTER = 30 * 60_000;

const USAGE = `Usage: scripts/test [--quick | path...] [-- deno-test-option...]

Without a path: formatting, lint, types, documentation, then every test, with coverage.
With --quick: the same checks, then the tests of modules, laws, layers and charts that need no
server, without coverage.
With paths (files or folders): only their tests. Options after -- go to 'deno test',
for example: scripts/test jobs/core -- --filter merge

The last line is 'N passed, N failed', where each check counts as one test; the exit code
is 1 if anything failed. The browser test needs Chromium, which is installed with apt-get if
possible; see scripts/chromium.`;

help(USAGE);
const split = Deno.args.indexOf("--");
const named = split < 0 ? Deno.args : Deno.args.slice(0, split);
const paths = named.filter((name) => name !== "--quick");
const options = {
  paths,
  quick: named.includes("--quick"),
  testOptions: split < 0 ? [] : Deno.args.slice(split + 1),
  print: (line: string) => console.log(line),
  limit: paths.some(needsCluster) ? LIMIT_ON_CLUSTER : LIMIT,
};
const tally = await runGate(options).catch((error: unknown) => {
  console.error(error instanceof Deno.errors.NotFound ? error.message : error);
  const broken = new Tally();
  broken.addCheck("gate", false);
  return broken;
});
console.log(`\n${tally}`);
Deno.exit(tally.failures.length > 0 ? 1 : 0);
