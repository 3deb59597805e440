import { runGate } from "./gate.ts";

// Below the limit under which the whole gate must stay on two cores.
const TIMEOUT = 24 * 60 * 1000;

const split = Deno.args.indexOf("--");
const tally = await runGate({
  paths: split < 0 ? Deno.args : Deno.args.slice(0, split),
  testOptions: split < 0 ? [] : Deno.args.slice(split + 1),
  print: (line) => console.log(line),
  timeout: TIMEOUT,
});
console.log(`\n${tally}`);
Deno.exit(tally.failures.length > 0 ? 1 : 0);
