/**
 * From the moment a record is due until the API shows it, and until Elasticsearch finds it, with
 * the whole pipeline on real servers and everything on this machine: three copies of each record in
 * Kafka and in HDFS, two of each document in Elasticsearch. Open loop, rising rates: each runs for a
 * while in a process of its own, and the processes' shares of the cores show what is used up.
 *
 * The servers keep their data in memory: on one disk the ten of them wait for one another's
 * commits to its journal, which nodes with disks of their own do not. Their code is only compiled by
 * the quick compiler: the thorough one takes more of two cores than it gives back within such a run.
 *
 * @module
 */

import type { Servers } from "@pipeline/tools/servers";
import { CopyProbe } from "./_copy_probe.ts";
import { type DemoBeside, type DemoRun, demoRun } from "./_demo_run.ts";
import { type Figure, quantile } from "./_figure.ts";
import { onServers, serversFile, sharesOf } from "./_servers.ts";
import { type RecordCost, recordCost, type StoreLoad, storeLoad } from "./_store_load.ts";

/** Records a second, the time of measuring, and the greatest p99 in milliseconds. */
interface Step {
  readonly rate: number;
  readonly duration: number;
  readonly goal: number;
}

/** The last rate is what the pipeline is built for. */
const STEPS: readonly Step[] = [
  { rate: 50, duration: 45_000, goal: 250 },
  { rate: 200, duration: 45_000, goal: 250 },
  { rate: 1_000, duration: 45_000, goal: 250 },
  { rate: 5_000, duration: 120_000, goal: 500 },
];

/**
 * Seconds, p50, from due until Elasticsearch finds a record, of other programs on this machine: the
 * same views of the same records on the same servers. Lowest and highest of their runs, by rate.
 */
const YARDSTICKS: Readonly<Record<number, { readonly streams: Span; readonly spark: Span }>> = {
  50: { streams: [0.6, 0.8], spark: [2.8, 3.4] },
  200: { streams: [2.7, 4.1], spark: [2.6, 3.9] },
  1_000: { streams: [8, 14], spark: [12, 13] },
  5_000: { streams: [16, 59], spark: [22, 29] },
};

type Span = readonly [number, number];

/** The same for seconds of Elasticsearch's processor time for a million records at the last rate. */
const STORE_YARDSTICK = "Kafka Streams 330-480 s, Spark 250-300 s";

/** Records a second and milliseconds before anything is measured: compilers take a core until then. */
const WARM_UP = { rate: 400, duration: 20_000, goal: Infinity };

const COUNTS = { kafka: 3, datanodes: 3, elasticsearch: 3, steady: false, inMemory: true };

/** Milliseconds at the beginning of each run, a new process, that are left out. */
const SETTLING = 15_000;

/** What did not keep up is drained all the same: it is to be verified. */
const GRACE = "4m";

/** Live records before the next generation is built, and milliseconds that are measured after it. */
const SWITCH = { after: "20s", then: 15_000, goal: 1_000 };

/** Greatest number of documents that speed writes for a record at the last rate. */
const DOCUMENTS = 0.2;

/** Greatest seconds of Elasticsearch's processor time for a million records at the last rate. */
const STORE_SECONDS = 200;

/** Runs the benchmark. */
export async function speed(): Promise<Figure[]> {
  return await onServers(COUNTS, async (servers) => {
    await measured(servers, WARM_UP);
    const figures: Figure[] = [];
    for (const step of STEPS) figures.push(...await measured(servers, step));
    return [...figures, await switched(servers, STEPS.at(-1)!.rate)];
  });
}

/** One rate, while one generation is folded. */
async function measured(servers: Servers, step: Step): Promise<Figure[]> {
  const { rate, duration } = step;
  const prefix = newPrefix();
  let pid = 0;
  let probe: CopyProbe | undefined;
  let before: StoreLoad | undefined;
  let after: StoreLoad | undefined;
  let ages: number[] = [];
  const found = await run(servers, { rate, prefix }, ["--next-generation=1h"], {
    endAfter: SETTLING + duration,
    onSpawn: (spawned) => void (pid = spawned),
    onLive: () =>
      void setTimeout(async () => {
        probe = new CopyProbe(servers, `${prefix}-`);
        before = await storeLoad(servers, { prefix: `${prefix}-`, jobs: pid });
      }, SETTLING),
    beforeEnd: async () => {
      after = await storeLoad(servers, { prefix: `${prefix}-`, jobs: pid });
      ages = await probe?.stop() ?? [];
    },
  });
  if (before === undefined || after === undefined) throw new Error("The run ended too soon");
  const shares = sharesOf(before.usage, after.usage, (after.at - before.at) / 1000);
  const figures = [
    visibleFigure(step, found, shares),
    ...rate in YARDSTICKS ? [ageFigure(rate, ages)] : [],
    ...rate === STEPS.at(-1)!.rate ? costFigures(rate, recordCost(before, after)) : [],
  ];
  for (const figure of figures) console.error(JSON.stringify(figure));
  return figures;
}

/** The last rate, while a generation is built and switched to. */
async function switched(servers: Servers, rate: number): Promise<Figure> {
  const { after, then, goal } = SWITCH;
  const found = await run(servers, { rate, prefix: newPrefix() }, [`--next-generation=${after}`], {
    endAfter: then,
    endFrom: /^Generation [2-9] serves|^Batch failed/m,
  });
  const holds = found.p99 < goal && found.behind === 0 && found.verify === "exact";
  return {
    what: `${rate} records/s, a generation built and switched meanwhile`,
    value: visibleText(found),
    against: `verify: ${found.verify}; generation ${found.generation} serves`,
    goal: `p99 below ${goal} ms`,
    reached: holds && found.generation > 1,
  };
}

async function run(
  servers: Servers,
  { rate, prefix }: { readonly rate: number; readonly prefix: string },
  flags: readonly string[],
  beside: DemoBeside,
): Promise<DemoRun> {
  const file = await serversFile(servers, prefix);
  try {
    return await demoRun([
      ...[`--rate=${rate}`, "--scale=0.02", `--servers=${file}`, `--grace=${GRACE}`],
      ...[`--warm-up=${SETTLING}ms`, ...flags],
    ], beside);
  } finally {
    await Deno.remove(file);
  }
}

/** Each run has topics, a folder and indices of its own. */
function newPrefix(): string {
  return `bench-${crypto.randomUUID().slice(0, 8)}`;
}

function visibleFigure({ rate, duration, goal }: Step, found: DemoRun, shares: string): Figure {
  const { lags, behind, verify, p99 } = found;
  const half = lags.length >> 1;
  const [first, second] = [lags.slice(0, half), lags.slice(half)].map((of) => Math.max(0, ...of));
  // Half a second's records are a batch that happens to be on its way.
  const flat = second! <= first! + rate / 2;
  return {
    what: `${rate} records/s for ${duration / 1000} s`,
    value: visibleText(found),
    against: `verify: ${verify}; fold lag at most ${first} records, later ${second}; ` +
      `cores: ${shares}`,
    goal: `p99 below ${goal} ms, lag flat`,
    reached: p99 < goal && flat && behind === 0 && verify === "exact",
  };
}

function visibleText({ latency, behind }: DemoRun): string {
  return latency + (behind > 0 ? `, ${behind} behind schedule` : "");
}

function ageFigure(rate: number, ages: readonly number[]): Figure {
  const { streams, spark } = YARDSTICKS[rate]!;
  const least = Math.min(...streams, ...spark);
  const [p50, p90] = [0.5, 0.9].map((share) => quantile(ages, share) / 1000);
  return {
    what: `${rate} records/s, age of the copy`,
    value: `p50 ${p50!.toFixed(1)} s · p90 ${p90!.toFixed(1)} s (${ages.length} records)`,
    against: `p50 of Kafka Streams ${streams.join("-")} s, Spark ${spark.join("-")} s`,
    goal: `p50 below ${least} s`,
    reached: p50! < least,
  };
}

function costFigures(rate: number, { documents, seconds }: RecordCost): Figure[] {
  return [{
    what: `${rate} records/s, documents that speed writes`,
    value: `${documents.toFixed(2)} a record`,
    goal: `at most ${DOCUMENTS}`,
    reached: documents <= DOCUMENTS,
  }, {
    what: `${rate} records/s, processor time of Elasticsearch`,
    value: `${Math.round(seconds)} s a million records`,
    against: STORE_YARDSTICK,
    goal: `below ${STORE_SECONDS} s`,
    reached: seconds < STORE_SECONDS,
  }];
}
