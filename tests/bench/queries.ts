/**
 * Point queries beside the load that the pipeline is built for: each job a process of its own, on
 * real servers, all on this machine.
 *
 * @module
 */

import { Stage } from "../faults/_stage.ts";
import { pause } from "../support/demo.ts";
import { type Figure, quantile } from "./_figure.ts";
import { hotPaths, pointQueries } from "./_point_queries.ts";
import { sharesOf, usage } from "./_servers.ts";

/** Records a second. */
const RATE = 5_000;

/** Queries a second. */
const QUERIES = 1_000;

/** Milliseconds of records before queries begin, and of queries before they are measured. */
const SETTLING = { records: 30_000, queries: 15_000 };

/** Milliseconds that are measured. */
const DURATION = 60_000;

/** Greatest milliseconds of the p99, and greatest share of a core of both jobs. */
const GOALS = { p99: 100, cores: 1 };

/** Runs the benchmark. */
export async function queries(): Promise<Figure[]> {
  await using stage = await Stage.open(() => {}, {
    rate: RATE,
    servers: { inMemory: true },
    tuning: "default",
  });
  await stage.job("generator").start();
  await pause(SETTLING.records);
  const urls = (await hotPaths(stage.api)).map((path) => stage.api + path);
  await pointQueries(urls, { rate: QUERIES, duration: SETTLING.queries });
  const look = () => usage(stage.servers, { ...pidsOf(stage), queries: Deno.pid });
  const [begun, before] = [performance.now(), look()];
  const { latencies, failed } = await pointQueries(urls, { rate: QUERIES, duration: DURATION });
  const [seconds, after] = [(performance.now() - begun) / 1000, look()];
  const behind = await stage.job("generator").metric("generator_behind_records") ?? NaN;
  const lag = await stage.job("speed").metric("log_lag_records") ?? NaN;
  const [serving, speed] = ["serving", "speed"].map((name) =>
    (after[name]! - before[name]!) / seconds
  );
  const [p50, p99] = [0.5, 0.99].map((share) => Math.round(quantile(latencies, share)));
  const what = `${QUERIES} queries/s beside ${RATE} records/s`;
  return [{
    what,
    value: `p50 ${p50} ms · p99 ${p99} ms · max ${Math.round(Math.max(...latencies))} ms ` +
      `(${latencies.length.toLocaleString("en")} queries)`,
    against: `${failed} failed; ${behind} records behind schedule, fold lag ${lag} records; ` +
      `cores: ${sharesOf(before, after, seconds)}`,
    goal: `p99 below ${GOALS.p99} ms, none failed`,
    reached: p99! < GOALS.p99 && failed === 0 && behind < RATE && lag < RATE,
  }, {
    what: `${what}: processor time of serving and speed`,
    value: `${(serving! + speed!).toFixed(2)} cores`,
    against: `serving ${serving!.toFixed(2)}, speed ${speed!.toFixed(2)}`,
    goal: `below ${GOALS.cores} core`,
    reached: serving! + speed! < GOALS.cores,
  }];
}

function pidsOf(stage: Stage): Record<string, number> {
  const names = ["generator", "ingest", "speed", "serving"] as const;
  return Object.fromEntries(names.map((name) => [name, stage.job(name).pid]));
}
