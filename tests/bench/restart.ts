/**
 * What readers notice of a kill of speed whose horizon is ten minutes old, on real servers, each job
 * a process: once alone, and once beside a standby. A kill is seen by canaries.
 *
 * The log of these minutes is made beforehand, and speed writes its copy unbounded until that is
 * complete. Then it runs with its usual settings. A killed process is started again a second later.
 *
 * @module
 */

import { seconds, Stage } from "../faults/_stage.ts";
import { pause } from "../support/demo.ts";
import { appendBacklog } from "./_backlog.ts";
import { type CanaryReport, CanaryWatch } from "./_canary_watch.ts";
import { caughtUp } from "./_caught_up.ts";
import type { Figure } from "./_figure.ts";

/** Records a second. */
const RATE = 2_000;

/** Milliseconds since the horizon. */
const AGE = 600_000;

/** Greatest number of records that speed may be behind while all is well. */
const LAG = 2 * RATE;

/** Milliseconds of all being well before a kill, and after speed has caught up. */
const QUIET = 8_000;

/** Longest time in milliseconds that a kill is watched. */
const LONGEST = 120_000;

/** Milliseconds in which a canary is counted while answers are fresh. */
const IN_TIME = 1_000;

/** Greatest milliseconds until the first answer, and until answers are fresh again. */
const GOALS = { answered: 250, fresh: 15_000 };

/** Runs the benchmark. */
export async function restart(): Promise<Figure[]> {
  await using stage = await Stage.open(() => {}, {
    rate: RATE,
    servers: { inMemory: true },
    tuning: "default",
  });
  await stage.replace("speed", { settings: { maxDocuments: 1_000_000 } });
  await appendBacklog(stage.log, { rate: RATE, duration: AGE });
  await caughtUp(stage.job("speed"), { log: stage.log, lag: 0, copied: true });
  await stage.replace("speed", {});
  await stage.job("generator").start();
  await caughtUp(stage.job("speed"), { log: stage.log, lag: LAG });
  const keys = await stage.job("speed").metric("speed_keys") ?? NaN;
  const watch = new CanaryWatch(stage.log, stage.api);
  try {
    const alone = await kill(stage, watch);
    const standby = await stage.another("speed", { settings: { standby: true } });
    await caughtUp(standby, { log: stage.log, lag: LAG });
    const beside = await kill(stage, watch);
    return figures({ keys, alone, beside });
  } finally {
    await watch.stop();
  }
}

/** Kills speed, and watches until it has folded the log again. */
async function kill(stage: Stage, watch: CanaryWatch): Promise<CanaryReport> {
  await pause(QUIET);
  const killed = Date.now();
  await stage.job("speed").kill();
  await caughtUp(stage.job("speed"), { log: stage.log, lag: LAG, timeout: LONGEST });
  for (;;) {
    await pause(QUIET);
    const report = watch.report(killed, IN_TIME);
    // What never gets fresh is shown as such.
    if (report.fresh < Infinity || Date.now() - killed > LONGEST) return report;
  }
}

function figures({ keys, alone, beside }: {
  readonly keys: number;
  readonly alone: CanaryReport;
  readonly beside: CanaryReport;
}): Figure[] {
  const what = `speed killed at ${RATE} records/s, horizon ${AGE / 60_000} minutes old`;
  return [{
    what: `${what}: first answer`,
    value: `after ${alone.answered} ms, ${seconds(alone.age)} old`,
    against: answersText(alone),
    goal: `after ${GOALS.answered} ms at most, and all exact`,
    reached: alone.answered <= GOALS.answered && isExact(alone),
  }, {
    what: `${what}: fresh again`,
    value: `after ${seconds(alone.fresh)}`,
    against: `${keys} keys; largest gap ${seconds(alone.gap)}`,
    goal: `after ${seconds(GOALS.fresh)} at most`,
    reached: alone.fresh <= GOALS.fresh,
  }, {
    what: `${what}, beside a standby`,
    value: `largest gap ${beside.gap} ms`,
    against: answersText(beside),
    goal: `none above ${IN_TIME} ms, and all exact`,
    reached: beside.gap <= IN_TIME && isExact(beside),
  }];
}

function isExact({ wrong, failed }: CanaryReport): boolean {
  return wrong === 0 && failed === 0;
}

function answersText({ answers, wrong, failed }: CanaryReport): string {
  return `${answers} answers, ${wrong} not exact; ${failed} queries failed`;
}
