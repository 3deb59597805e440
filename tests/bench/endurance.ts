/**
 * Memory of the jobs over time, each a process of its own on real servers: generator, ingest and
 * serving must stay flat; speed grows with the keys since the horizon, and drops with a switch.
 *
 * @module
 */

import { seconds, Stage } from "../faults/_stage.ts";
import { pause } from "../support/demo.ts";
import { caughtUp } from "./_caught_up.ts";
import type { Figure } from "./_figure.ts";

/** Records a second, as the stage's generator makes them. */
const RATE = 2_000;

/** Minutes under load. */
const MINUTES = 10;

/** Milliseconds between two looks. */
const INTERVAL = 10_000;

const JOBS = ["generator", "ingest", "serving", "speed"] as const;
type Name = typeof JOBS[number];

/** Greatest growth of what must be flat, from the third minute to the last. */
const FLAT = 1.15;

/** Runs the benchmark. */
export async function endurance(): Promise<Figure[]> {
  await using stage = await Stage.open(() => {}, {
    rate: RATE,
    servers: { inMemory: true },
  });
  await stage.job("generator").start();
  await pause(10_000);
  const samples: Record<Name, number[]> = { generator: [], ingest: [], serving: [], speed: [] };
  const started = performance.now();
  while (performance.now() - started < MINUTES * 60_000) {
    for (const name of JOBS) samples[name].push(residentBytes(stage.job(name).pid));
    await pause(INTERVAL);
  }
  const keys = await stage.job("speed").metric("speed_keys") ?? NaN;
  const underLoad = await switched(stage);
  // What a switch gives back is seen where speed reaches one: without load, if it must be.
  const { before } = underLoad.done ? underLoad : await switchedAlone(stage);
  // The fold of the old generation is let go of, and the collector has time to notice.
  await pause(60_000);
  const after = residentBytes(stage.job("speed").pid);
  const keysAfter = await stage.job("speed").metric("speed_keys") ?? NaN;
  const [first, last] = [samples.speed[0]!, samples.speed.at(-1)!];
  return [
    ...(["generator", "ingest", "serving"] as const).map((name) => flat(name, samples[name])),
    {
      what: `speed after ${MINUTES} minutes`,
      value: `${mebibytes(first)} -> ${mebibytes(last)}`,
      against: `${keys} keys, ${Math.round((last - first) / keys)} bytes more a key`,
    },
    {
      what: `a switch at ${RATE} records/s`,
      value: underLoad.done
        ? `served after ${seconds(underLoad.milliseconds)}`
        : `speed did not catch up with the new generation, and the old one goes on: given up after ${
          seconds(underLoad.milliseconds)
        }`,
    },
    {
      what: `speed a minute after a switch${underLoad.done ? "" : ", nothing produced meanwhile"}`,
      value: `${mebibytes(before.bytes)} -> ${mebibytes(after)}`,
      against: `${before.keys} -> ${keysAfter} keys`,
    },
  ];
}

function flat(name: Name, samples: readonly number[]): Figure {
  // The first minutes are for compilers and caches to settle.
  const settled = samples.slice(Math.floor(samples.length * 0.3));
  const third = Math.floor(settled.length / 3);
  const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length;
  const growth = mean(settled.slice(-third)) / mean(settled.slice(0, third));
  return {
    what: `${name}, ${MINUTES} minutes at ${RATE} records/s`,
    value: `${mebibytes(Math.min(...settled))} to ${mebibytes(Math.max(...settled))}`,
    against: `last third ${growth.toFixed(2)} x the first`,
    goal: `at most ${FLAT}`,
    reached: growth <= FLAT,
  };
}

/** Whether a run of batch ends in a switch, how long it takes, and what speed held before. */
async function switched(stage: Stage) {
  const started = performance.now();
  const before = {
    bytes: residentBytes(stage.job("speed").pid),
    keys: await stage.job("speed").metric("speed_keys") ?? NaN,
  };
  const done = await stage.complete("batch", ["run"]).then(() => true, (error) => {
    if (!String(error).includes("did not catch up")) throw error;
    return false;
  });
  return { done, before, milliseconds: performance.now() - started };
}

/** The same while nothing is produced, when it must end in one. */
async function switchedAlone(stage: Stage) {
  await stage.job("generator").stop();
  // But for what comes in a second or two.
  await caughtUp(stage.job("speed"), { log: stage.log, lag: 2 * RATE });
  const alone = await switched(stage);
  if (!alone.done) throw new Error("Speed did not catch up though nothing was produced");
  return alone;
}

/** Bytes of memory that a process holds, `VmRSS` of proc_pid_status(5). */
function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
