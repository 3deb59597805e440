/**
 * Whole batch runs over an embedded dataset, on one thread and on two.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import { type BatchReport, DayPool, runBatch } from "@pipeline/batch";
import { DEFAULT_SETTINGS, TOPICS } from "@pipeline/core";
import { generateHistory } from "@pipeline/generator";
import { bootstrap } from "@pipeline/ingest";
import { Speed } from "@pipeline/speed";
import { type Figure, median, rate, ratio } from "./_figure.ts";
import { HISTORY_END } from "./_history.ts";

const SCALE = 3;
const ROUNDS = 3;
const THREADS = 2;

const settings = {
  views: DEFAULT_SETTINGS,
  partitions: 3,
  keep: 1_000,
  retention: { "1m": 0, "1h": 0, "1d": 0 },
  catch_up_timeout: 10_000,
  poll_interval: 10,
  lock_lease: 60_000,
};

/** Runs the benchmark. */
export async function batch(): Promise<Figure[]> {
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    const { dataset, close } = openEmbedded(folder);
    const history = await generateHistory(dataset, { seed: 1, end: HISTORY_END, scale: SCALE });
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
      { what: "fold of the days, 1 thread", value: rate(records, took("one", "fold")) },
      {
        what: `fold of the days, ${THREADS} workers`,
        value: rate(records, took("two", "fold")),
        against: `${ratio(faster)} x 1 thread`,
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
        against: `${ratio(whole("one") / whole("two"))} x 1 thread`,
      },
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A full run into an empty store. The log is empty too: speed only says so. */
async function run(folder: string, threads: number): Promise<BatchReport> {
  await Deno.remove(`${folder}/store`, { recursive: true });
  const { log, dataset, store, close } = openEmbedded(folder);
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: settings.partitions })));
  const speed = Speed.start({
    log,
    store,
    settings: { flush_interval: 50, max_unflushed: 1_000, poll_interval: 50 },
  });
  const entry = new URL("../../jobs/pipeline/day_worker.ts", import.meta.url);
  const pool = threads === 1
    ? undefined
    : new DayPool(threads, () => new Worker(entry, { type: "module", name: folder }));
  try {
    const foldDay = pool === undefined ? {} : { foldDay: pool.fold.bind(pool) };
    return await runBatch({ dataset, store, settings, full: true, ...foldDay });
  } finally {
    pool?.close();
    await speed.stop();
    await close();
  }
}
