/** Negative controls: a rule is broken on purpose, and the invariants must say so. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { SimulatedCrash } from "@pipeline/adapters/testing";
import {
  addAnswers,
  answerInTwoTurns,
  withCommitFirst,
  withEventTime,
  withHeldLetters,
  withIncrements,
  withLetters,
  withLocalTime,
  withoutVersions,
  withOverwrites,
  withSilentJumps,
} from "./_broken.ts";
import { itemOf } from "./_community.ts";
import { datasetProblems, servedProblems } from "./_invariants.ts";
import { InvariantError, simulate, type SimulationOptions } from "./_simulation.ts";
import type { Process } from "./_process.ts";
import { Stage } from "./_stage.ts";

/** Seeds of which at least one must see it. */
const SEEDS = 25;

const BROKEN: [rule: string, options: SimulationOptions, message: RegExp][] = [
  [
    "a commit is published after its files",
    { between: withCommitFirst, allow: ["not_found", "corrupt", "exists"] },
    /There is no|No such file|Orphan file/,
  ],
  [
    "speed writes whole values, never increments",
    { between: withIncrements },
    /"check":"speed"|the oracle says/,
  ],
  [
    "names compare without the case of letters",
    { between: withLetters },
    /"check":"speed"|the oracle says/,
  ],
  [
    "the horizon is a vector of offsets",
    { between: withEventTime },
    /"check":"batch"|the oracle says/,
  ],
  [
    "dead letters are durable before their offsets are done",
    { between: withHeldLetters },
    /is not among the dead letters/,
  ],
  [
    "positions and documents of an answer belong together",
    { answering: answerInTwoTurns },
    /the answer is not that of its vector/,
  ],
  [
    "a part is answered for by its newest fold alone",
    { arriving: addAnswers },
    /the answer is not that of its vector/,
  ],
];

for (const [rule, options, message] of BROKEN) {
  Deno.test(`the simulation turns red where it does not hold that ${rule}`, async () => {
    const reasons: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        await simulate(seed, options);
      } catch (error) {
        assert(error instanceof InvariantError);
        reasons.push(error.message.slice(0, 500));
        if (message.test(error.message)) return;
      }
    }
    throw new Error(`No seed of ${SEEDS} saw it; other failures:\n${reasons.join("\n")}`);
  });
}

Deno.test("a log that jumps over what it lost leaves a hole that is seen", async () => {
  const stage = new Stage();
  await stage.world.produce(60);
  stage.world.ports.log.truncate("reddit.comments", 0, 5);
  await stage.ingest({}, stage.process("ingest", { between: withSilentJumps }));
  await stage.drain();
  const problems = await datasetProblems(stage.world);
  assertMatch(problems.join("\n"), /reddit\.comments-0 0-\d+: -1 of/);
});

Deno.test("a verdict by the local clock is another one at the next fold, which is seen", async () => {
  const stage = new Stage();
  const { world } = stage;
  await world.produce(20);
  const fact = world.community.fact();
  const early = { ...fact, timestamp: world.scheduler.now() + 2 * 86_400_000 };
  const { fact: _, ...poison } = itemOf(early, "milliseconds");
  await world.send([poison]);
  // Ingest comes three days late, when the event is no longer ahead.
  world.scheduler.skew = 3 * 86_400_000;
  const between = (ports: Parameters<typeof withSilentJumps>[0]) =>
    withLocalTime(ports, world.scheduler.now);
  await stage.ingest({}, stage.process("ingest", { between }));
  await stage.drain();
  assertMatch((await datasetProblems(world)).join("\n"), /is wrongly judged/);
});

/** Lets one instance of a job go on alone while the other is paused at a step, then both. */
async function overtaken(stage: Stage, kind: "ingest" | "speed", step: RegExp): Promise<void> {
  const late = stage.process(kind, { alone: true });
  const start = (process: Process) =>
    kind === "ingest" ? stage.ingest({}, process) : stage.speed({ flushInterval: 500 }, process);
  stage.fate = (turn) => {
    if (turn.owner !== late || turn.phase !== "before" || !step.test(turn.step)) return undefined;
    late.paused = true;
    return 1;
  };
  await start(late);
  // Its first flush is over, and the next one takes in all of these.
  await stage.pass(300);
  await stage.world.produce(60);
  await stage.until(() => late.paused);
  await stage.world.produce(60);
  await start(stage.process(kind, { alone: true }));
  await stage.drain();
  // Its one step, and no more that could repair what it did.
  let done = false;
  stage.fate = (turn) => {
    if (turn.owner !== late) return undefined;
    if (done) return new SimulatedCrash();
    done = turn.phase === "before" && step.test(turn.step);
    return undefined;
  };
  late.paused = false;
  await stage.until(() => late.dead);
}

for (const broken of [true, false]) {
  const seen = broken ? "is seen" : "is none by the rule";

  Deno.test(`a store that takes an older version: the damage ${seen}`, async () => {
    const stage = new Stage(broken ? { instead: withoutVersions } : {});
    await stage.world.produce(60);
    await stage.restart();
    await stage.drain();
    await stage.do(stage.batch());
    await stage.drain();
    for (const process of stage.services()) if (process.kind === "speed") process.kill();
    await overtaken(stage, "speed", /store\.write \d+ user_activity/);
    const problems = (await servedProblems(stage.world)).join("\n");
    if (broken) assertMatch(problems, /"check":"speed".*a version of at least/);
    else assertEquals(problems, "");
  });

  Deno.test(`a rename that overwrites a commit: the damage ${seen}`, async () => {
    const stage = new Stage(broken ? { instead: withOverwrites } : {});
    await overtaken(stage, "ingest", /rename .*\/_commits\/reddit\.comments/);
    const problems = await datasetProblems(stage.world).catch((error) => [error.message]);
    if (broken) assertMatch(problems.join("\n"), /do not join|: 1 of|: -1 of|is committed to/);
    else assertEquals(problems, []);
  });
}
