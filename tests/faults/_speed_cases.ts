/**
 * Faults of speed, judged by what the API answers meanwhile: whole answers, each equal to the fold
 * of the log at its vector.
 *
 * @module
 */

import { readEnds } from "@pipeline/protocol";
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { Asking } from "./_answers.ts";
import type { FaultCase } from "./_case.ts";
import { membersOf } from "./_cluster.ts";
import { PARTITIONS } from "./_configs.ts";
import type { JobProcess } from "./_process.ts";
import type { Stage } from "./_stage.ts";
import { total } from "./_watch.ts";

/** Seconds of a pause: the group takes a member that is silent for 10 s for gone. */
const PAUSE = 30;

/** Milliseconds to wait for a process of speed to fold all that the others have. */
const LONGEST_FOLD = 280_000;

/** None has a number. */
export const SPEED_CASES: readonly FaultCase[] = [
  {
    numbers: [],
    title: "kill -9 of speed beside a standby",
    async run({ stage, act, recovered, wait, note }) {
      const standby = await stage.another("speed", { args: ["run", "--standby"] });
      await standby.says(/Speed runs as a standby/);
      await foldsAll(stage, standby);
      await using asking = await Asking.begin(stage);
      await wait(3);
      await act("kill -9 of speed beside a standby", () => stage.job("speed").kill());
      await recovered();
      // No gap: while nobody else folds these partitions, the standby's answers are as new.
      asking.assertFresh();
      note(await asking.end());
    },
  },
  {
    numbers: [],
    title: "a speed sleeps longer than its session, and wakes up with folds of before",
    async run({ stage, act, recovered, wait, note }) {
      const sleeper = await stage.another("speed");
      await sleeper.says(/Speed runs/);
      await recovered();
      const shares = await eventually(async () => {
        const shares = await sharesOf(stage);
        assertEquals(shares.length, 2, "the second speed has not joined");
        assert(shares.every((partitions) => partitions > 0), `partitions by member: ${shares}`);
        return shares;
      });
      note(`partitions of speed: ${shares.join(" and ")}`);
      await using asking = await Asking.begin(stage);
      await act("SIGSTOP of a speed beside another one", () => sleeper.pause());
      await wait(PAUSE);
      await eventually(async () => {
        assertEquals((await sharesOf(stage)).length, 1, "the sleeper is still a member");
      });
      await recovered({ except: [sleeper.name] });
      await act(`resumed after more than ${PAUSE} s`, () => sleeper.resume());
      await recovered();
      note(await asking.end());
    },
  },
  {
    numbers: [],
    title: "partitions of speed move to and fro under load",
    async run({ stage, act, recovered, note }) {
      await using asking = await Asking.begin(stage);
      for (const end of ["SIGTERM", "SIGKILL"] as const) {
        const second = await act("a second speed", () => stage.another("speed"));
        await second.says(/Speed runs/);
        await recovered();
        await act(`${end} to the second speed`, () => second.stop(end));
        await recovered();
      }
      note(await asking.end());
    },
  },
  {
    numbers: [],
    title: "a switch and a rollback under load",
    async run({ stage, act, recovered, note }) {
      const before = await stage.store.current();
      await using asking = await Asking.begin(stage);
      await act("a generation built and switched to", () => stage.complete("batch", ["run"]));
      await recovered();
      const after = await stage.store.current();
      assert(after !== before, `generation ${before} is still served`);
      await act("rolled back", () => stage.complete("batch", ["roll-back"]));
      await recovered();
      assertEquals(await stage.store.current(), before);
      note(await asking.end());
      const answered = [...asking.generations];
      assert(answered.includes(after!), `only generations ${answered} have answered`);
      note(`generations ${answered.join(" and ")} have answered`);
    },
  },
];

/** Waits until a process has folded what is in the log, as far as the load lets it. */
async function foldsAll(stage: Stage, speed: JobProcess): Promise<void> {
  await eventually(async () => {
    const position = await speed.metric("log_position_offset") ?? 0;
    const behind = total(await readEnds(stage.log, PARTITIONS)) - position;
    assert(behind <= 3 * stage.rate, `${speed.name} is ${behind} records behind`);
  }, LONGEST_FOLD);
}

/** Numbers of partitions of the members of speed's group in the served generation. */
async function sharesOf({ servers, store, prefix }: Stage): Promise<number[]> {
  return Object.values(await membersOf(servers, `${prefix}speed-${await store.current()}`));
}
