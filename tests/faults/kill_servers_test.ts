/**
 * The cases of the matrix that are a part of every test run, on one stage. All of them:
 * `deno task faults`.
 */

import { nameOf } from "./_case.ts";
import { CASES } from "./_cases.ts";
import { outcomeText, runCase } from "./_run.ts";
import { Stage } from "./_stage.ts";

/**
 * Records a second: a fourth of the matrix', so that the same holds on a machine of two cores that is slow,
 * where every server and every job is beside the other.
 */
const LOAD = 250;

let stage: Stage | undefined;

Deno.test.beforeAll(async () => {
  stage = await Stage.open((line) => console.log(line), { rate: LOAD });
});

Deno.test.afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

for (const fault of CASES.filter(({ quick }) => quick)) {
  Deno.test({
    name: nameOf(fault),
    // The stage outlives each of its cases.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const outcome = await runCase(stage!, fault);
      if (outcome.failure !== undefined) throw new Error(outcomeText(outcome));
      console.log(outcomeText(outcome));
    },
  });
}
