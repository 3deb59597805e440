import { needsCluster } from "./files.ts";
import { runGate } from "./gate.ts";
import { Tally } from "./tally.ts";

/** Milliseconds that a test may take, also beside others that keep the machine busy. */
const LIMIT = 10 * 60_000;

/** On a cluster whole installations are one step. */
const LIMIT_ON_CLUSTER = 30 * 60_000;

const split = Deno.args.indexOf("--");
const paths = split < 0 ? Deno.args : Deno.args.slice(0, split);
const options = {
  paths,
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
