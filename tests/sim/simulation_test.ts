/**
 * Many lives of the whole pipeline, each from one seed; see README.md in this folder.
 *
 *     SIM_SEEDS=7 scripts/test tests/sim/simulation_test.ts               one seed again
 *     SIM_SEEDS=7 SIM_TRACE=1 scripts/test tests/sim/simulation_test.ts   and every step of it
 *     SIM_SEEDS=1000..9999 scripts/test tests/sim/simulation_test.ts      others, for hours
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { simulate, type SimulationReport } from "./_simulation.ts";

/** The same on every machine, however fast: together they meet everything that can happen. */
const SEEDS = "1..60";

/** The seeds of `7` or `1..60`. */
function seeds(text: string): number[] {
  const [, first, last = first] = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (count >= 1) return Array.from({ length: count }, (_, i) => Number(first) + i);
  throw new RangeError(
    `SIM_SEEDS is "${text}": it must be a seed such as 7, or a range such as 1..60`,
  );
}

Deno.test("the pipeline keeps its promises through kills, pauses, losses and duplicate deliveries", async (t) => {
  const chosen = Deno.env.get("SIM_SEEDS");
  const sums = new Map<string, number>();
  for (const seed of seeds(chosen ?? SEEDS)) {
    await t.step(`seed ${seed}`, async () => {
      const report = await simulate(seed, Deno.env.has("SIM_TRACE") ? { trace: console.log } : {});
      for (const [name, value] of Object.entries(report)) {
        if (name !== "seed") sums.set(name, (sums.get(name) ?? 0) + value);
      }
    });
  }
  console.log([...sums].map(([name, sum]) => `${sum} ${name}`).join(", "));
  if (chosen !== undefined) return;
  // An answer from the store in the middle of a pass is rare: it is counted, since it is not compared.
  sums.delete("boundAnswers");
  for (const [name, sum] of sums) assert(sum > 0, `No seed had any ${name}`);
});

Deno.test("simulate() repeats a run exactly if it is given the same seed", async () => {
  const first = await simulate(3, { chaos: 2_000 });
  const again: SimulationReport = await simulate(3, { chaos: 2_000 });
  assertEquals(again, first);
});

Deno.test("seeds() reads one seed, or a range, and refuses what is neither", () => {
  assertEquals(seeds("7"), [7]);
  assertEquals(seeds("3..5"), [3, 4, 5]);
  for (const text of ["", "x", "5..3", "1..", "1.5", "-1"]) {
    assertThrows(() => seeds(text), RangeError, `"${text}"`);
  }
  // The seeds of make test are no matter of time: a slow machine runs as many as a fast one.
  assertEquals(seeds(SEEDS).length, 60);
});
