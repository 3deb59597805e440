import { needsCluster } from "./files.ts";
import { runGate } from "./gate.ts";
import { Tally } from "./tally.ts";

// Below the limit under which the whole gate must stay on two cores.
const TIMEOUT = 24 * 60 * 1000;
const TIMEOUT_ON_CLUSTER = 35 * 60 * 1000;

const split = Deno.args.indexOf("--");
const paths = split < 0 ? Deno.args : Deno.args.slice(0, split);
const options = {
  paths,
  testOptions: split < 0 ? [] : Deno.args.slice(split + 1),
  print: (line: string) => console.log(line),
  timeout: paths.some(needsCluster) ? TIMEOUT_ON_CLUSTER : TIMEOUT,
};
const tally = await runGate(options).catch((error: unknown) => {
  console.error(error instanceof Deno.errors.NotFound ? error.message : error);
  const broken = new Tally();
  broken.addCheck("gate", false);
  return broken;
});
console.log(`\n${tally}`);
Deno.exit(tally.failures.length > 0 ? 1 : 0);
