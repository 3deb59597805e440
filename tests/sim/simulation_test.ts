/**
 * Many lives of the whole pipeline, each from one seed; see README.md in this folder.
 *
 *     SIM_SEED=7 scripts/test tests/sim/simulation_test.ts        one seed again
 *     SIM_SEED=7 SIM_TRACE=1 scripts/test tests/sim/simulation_test.ts   and every step of it
 *     SIM_SECONDS=3600 scripts/test tests/sim/simulation_test.ts  new seeds for an hour
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { simulate, type SimulationReport } from "./_simulation.ts";

/** Seconds in which seeds are begun where nothing else is said. */
const SECONDS = 45;

/** Seeds that run however slow the machine is. */
const AT_LEAST = 15;

function* seeds(): Generator<number> {
  const only = Deno.env.get("SIM_SEED");
  if (only !== undefined) return yield Number(only);
  const seconds = Number(Deno.env.get("SIM_SECONDS") ?? SECONDS);
  // A long run is for seeds that nobody has seen.
  const first = Deno.env.has("SIM_SECONDS") ? Math.floor(Date.now() / 1000) % 1e9 : 1;
  const end = performance.now() + seconds * 1000;
  for (let seed = first; seed < first + AT_LEAST || performance.now() < end; seed++) yield seed;
}

Deno.test("the pipeline keeps its promises whatever is killed, paused, lost or delivered again", async () => {
  const started = performance.now();
  const sums = new Map<string, number>();
  let lives = 0;
  for (const seed of seeds()) {
    const report = await simulate(seed, Deno.env.has("SIM_TRACE") ? { trace: console.log } : {});
    lives++;
    for (const [name, value] of Object.entries(report)) {
      if (name !== "seed") sums.set(name, (sums.get(name) ?? 0) + value);
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const met = [...sums].map(([name, sum]) => `${sum} ${name}`).join(", ");
  console.log(`${lives} seeds in ${seconds} s: ${met}`);
  if (lives >= AT_LEAST) {
    for (const [name, sum] of sums) assert(sum > 0, `No seed had any ${name}`);
  }
});

Deno.test("simulate() does the same again when it is given the same seed", async () => {
  const first = await simulate(3, { chaos: 2_000 });
  const again: SimulationReport = await simulate(3, { chaos: 2_000 });
  assertEquals(again, first);
});
