/**
 * From the moment a record is due until the API shows it, over the whole pipeline in
 * one process: as `make demo` runs it, asked over HTTP. Open loop: a record counts from
 * when it was due, also where the pipeline held it back.
 *
 * @module
 */

import { type DemoRun, demoRun } from "./_demo_run.ts";
import type { Figure } from "./_figure.ts";

const RATE = 5_000;

/** Milliseconds of live records without a second generation. */
const STEADY = 40_000;

/** Greatest p99 while one generation is folded, milliseconds. */
const GOAL = 100;

/** Runs the benchmark. */
export async function latency(): Promise<Figure[]> {
  const steady = await demoRun([`--rate=${RATE}`], { endAfter: STEADY });
  const switched = await demoRun([`--rate=${RATE}`, "--duration=60s"]);
  return [
    figure(`${RATE} records/s`, steady, GOAL),
    figure(`${RATE} records/s, a generation built and switched meanwhile`, switched),
  ];
}

function figure(what: string, { latency, p99, verify }: DemoRun, goal?: number): Figure {
  return {
    what,
    value: latency,
    against: `verify: ${verify}`,
    ...(goal === undefined
      ? {}
      : { goal: `p99 below ${goal} ms`, reached: p99 < goal && verify === "exact" }),
  };
}
