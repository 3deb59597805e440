/**
 * The cases of the matrix that are a part of every test run, one after the other, with one proof at the end. All
 * of them, each with a proof of its own: `deno task faults`.
 */

import { type FaultCase, nameOf } from "./_case.ts";
import { CASES } from "./_cases.ts";
import { outcomeText, runCase } from "./_run.ts";
import { Stage } from "./_stage.ts";

/**
 * Records a second: a tenth of the matrix', so that the same holds on a machine of two cores that is slow or
 * busy, where every server and every job is beside the other.
 */
const LOAD = 100;

Deno.test({
  name: "jobs and servers are killed under load: nothing is lost, doubled or wrong",
  // Clients of servers that were killed keep timers for some time.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using stage = await Stage.open((line) => console.log(line), { rate: LOAD });
    const all: FaultCase = {
      numbers: [],
      title: "all of it",
      async run(scene) {
        for (const fault of CASES.filter(({ quick }) => quick)) {
          await t.step({
            name: nameOf(fault),
            sanitizeOps: false,
            sanitizeResources: false,
            fn: () => fault.run(scene),
          });
          await stage.restore();
        }
      },
    };
    const outcome = await runCase(stage, all);
    if (outcome.failure !== undefined) throw new Error(outcomeText(outcome));
    console.log(outcomeText(outcome));
  },
});
