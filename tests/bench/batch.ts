/**
 * Whole batch runs over an embedded dataset: one thread on one core, and workers on two.
 * Each run is a process, so that the one thread can be held to its core: collectors of
 * garbage are threads too.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import type { BatchReport } from "@pipeline/batch";
import { generateHistory } from "@pipeline/generator";
import { bootstrap } from "@pipeline/ingest";
import { type Figure, median, rate, ratio } from "./_figure.ts";
import { HISTORY_END } from "./_history.ts";

/** Even, so that two workers have equal shares. */
const DAYS = 8;
const SCALE = 10;
const ROUNDS = 3;
const THREADS = 2;

/** As in scripts/demo. */
const HEAP = "--v8-flags=--min-semi-space-size=64,--max-semi-space-size=64";

/** Runs the benchmark. */
export async function batch(): Promise<Figure[]> {
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    const { dataset, close } = openEmbedded(folder);
    const history = await generateHistory(dataset, {
      seed: 1,
      end: HISTORY_END,
      days: DAYS,
      scale: SCALE,
    });
    await bootstrap(dataset, history.load);
    await close();
    const runs: Record<"one" | "two", BatchReport[]> = { one: [], two: [] };
    for (let round = 0; round < ROUNDS; round++) {
      runs.one.push(await run(folder, 1));
      runs.two.push(await run(folder, THREADS));
    }
    const { records } = runs.one[0]!;
    const took = (which: "one" | "two", step: "fold" | "publish") =>
      median(runs[which].map((report) => report.took[step]));
    const whole = (which: "one" | "two") => took(which, "fold") + took(which, "publish");
    const faster = took("one", "fold") / took("two", "fold");
    return [
      { what: "fold of the days, 1 thread on 1 core", value: rate(records, took("one", "fold")) },
      {
        what: `fold of the days, ${THREADS} workers`,
        value: rate(records, took("two", "fold")),
        against: `${ratio(faster)} x 1 core`,
        goal: "1.60",
        reached: faster >= 1.6,
      },
      {
        what: "compose and publish",
        value: rate(records, took("two", "publish")),
        against: `${runs.two[0]!.documents.toLocaleString("en-US")} documents`,
      },
      {
        what: `whole run, ${THREADS} workers`,
        value: rate(records, whole("two")),
        against: `${ratio(whole("one") / whole("two"))} x 1 core`,
      },
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A full run in a process of its own; with one thread, on one core. */
async function run(folder: string, threads: number): Promise<BatchReport> {
  const entry = new URL("./_batch_run.ts", import.meta.url).pathname;
  const command = [
    ...threads === 1 ? ["taskset", "--cpu-list", "0"] : [],
    ...[Deno.execPath(), "run", "--allow-all", "--no-check", HEAP, entry, folder, `${threads}`],
  ];
  const { code, stdout } = await new Deno.Command(command[0]!, {
    args: command.slice(1),
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`A batch run with ${threads} threads failed`);
  return JSON.parse(new TextDecoder().decode(stdout)) as BatchReport;
}
