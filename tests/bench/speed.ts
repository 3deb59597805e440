/**
 * From the moment a record is due until the API shows it, with the whole pipeline on real
 * servers and everything on this machine: three copies of each record in Kafka and in HDFS, two of
 * each document in Elasticsearch. Open loop, a ramp of rates: each runs for a while on a new start,
 * and the servers' shares of the cores say what is used up where it breaks.
 *
 * The servers keep their data in memory: on one disk the ten of them wait for one another's
 * commits to its journal, which nodes with disks of their own do not. One rate is also run on the
 * disk. Their code is only compiled by the quick compiler: the thorough one takes more of two cores
 * than it gives back within such a run.
 *
 * @module
 */

import type { Servers } from "@pipeline/tools/servers";
import { demoRun } from "./_demo_run.ts";
import type { Figure } from "./_figure.ts";
import { onServers, serversFile, sharesOf, usage } from "./_servers.ts";

/** Records a second; the last one is what the pipeline is built for. */
const RATES = [50, 100, 200, 400, 800, 5_000];

/** Records a second and milliseconds before anything is measured: compilers take a core until then. */
const WARM_UP = { rate: 400, duration: 60_000 };

const COUNTS = { kafka: 3, datanodes: 3, elasticsearch: 3, steady: false };

/** Milliseconds at the beginning of each run, a new process, that its latencies leave out. */
const SETTLING = 20_000;

/** Milliseconds at each rate, from then on. */
const STEP = 60_000;

/** Milliseconds at the highest rate that held, and at the last one. */
const LONG = 120_000;

/** What did not keep up is drained all the same: what it wrote is to be counted. */
const GRACE = "8m";

const GOAL = 1_000;

interface Step extends Figure {
  readonly rate: number;
  readonly holds: boolean;
}

/** Runs the benchmark. */
export async function speed(): Promise<Figure[]> {
  const { steps, highest } = await onServers({ ...COUNTS, inMemory: true }, ramp);
  const onDisk = await onServers(COUNTS, async (servers) => {
    await run(servers, WARM_UP.rate, WARM_UP.duration);
    const step = await run(servers, highest ?? RATES[0]!, STEP);
    return { ...step, what: `${step.what}, servers' data on the one disk` };
  });
  return [...steps, onDisk].map(({ rate: _, holds: __, ...figure }) => figure);
}

async function ramp(servers: Servers): Promise<{ steps: Step[]; highest: number | undefined }> {
  await run(servers, WARM_UP.rate, WARM_UP.duration);
  const steps: Step[] = [];
  for (const rate of RATES) {
    const step = await run(servers, rate, rate === RATES.at(-1) ? LONG : STEP);
    steps.push(step);
    // Twice beyond is enough to see where it breaks; the last one is always shown.
    if (steps.filter(({ holds }) => !holds).length === 2 && rate < RATES.at(-1)!) break;
  }
  const highest = steps.findLast(({ holds }) => holds)?.rate;
  if (steps.at(-1)!.rate !== RATES.at(-1)) steps.push(await run(servers, RATES.at(-1)!, LONG));
  if (highest !== undefined) steps.push(await run(servers, highest, LONG));
  return { steps, highest };
}

async function run(servers: Servers, rate: number, duration: number): Promise<Step> {
  // Each run has topics, a folder and indices of its own.
  const file = await serversFile(servers, `bench-${crypto.randomUUID().slice(0, 8)}`);
  let pid = 0;
  let before = usage(servers);
  let started = performance.now();
  let shares = "";
  // From some seconds after the first live record, by when everything is warm, until the end.
  const watching = setInterval(() => {
    if (pid === 0) return;
    shares = sharesOf(before, usage(servers, { jobs: pid }), (performance.now() - started) / 1000);
  }, 5_000);
  try {
    const found = await demoRun([
      ...[`--rate=${rate}`, "--scale=0.02", `--servers=${file}`, `--grace=${GRACE}`],
      `--warm-up=${SETTLING}ms`,
      // None: that it is folded twice, and that batch takes a core, is what `latency` measures.
      "--next-generation=1h",
    ], {
      endAfter: SETTLING + duration,
      onSpawn: (spawned) => {
        pid = spawned;
        before = usage(servers, { jobs: pid });
        started = performance.now();
      },
    });
    const { latency, p99, behind, writes, verify } = found;
    const holds = p99 < GOAL && behind === 0 && verify === "exact";
    console.error(
      `${rate} records/s: ${latency}; ${behind} behind; ${writes}; ${verify}; ${shares}`,
    );
    return {
      rate,
      holds,
      what: `${rate} records/s for ${duration / 1000} s`,
      value: latency + (behind > 0 ? `, ${behind} behind schedule` : ""),
      against: `verify: ${verify}; written ${writes}; cores: ${shares}`,
      goal: `p99 below ${GOAL} ms`,
      reached: holds,
    };
  } finally {
    clearInterval(watching);
    await Deno.remove(file);
  }
}
