/**
 * The jobs' configurations on a set of servers.
 *
 * @module
 */

import type { Servers } from "@pipeline/tools/servers";

/** Messages a second that the generator sends, all the time. */
export const RATE = 1_000;

/** Partitions of each topic. */
export const PARTITIONS = 3;

/** Seconds that ingest holds records before it flushes them. */
export const FLUSH_AGE = 3;

/** How clients reach the servers. */
export interface Endpoints {
  readonly brokers: readonly string[];
  /** URLs. */
  readonly namenodes: readonly string[];
  /** URLs. */
  readonly elasticsearch: readonly string[];
}

/** Files that the generator writes. */
export interface Records {
  /** What the log has acknowledged. */
  readonly ledger: string;
  /** What disorder was injected. */
  readonly manifest: string;
}

/** The servers' own addresses. */
export function endpointsOf(servers: Servers): Endpoints {
  const urls = (nodes: readonly { readonly endpoint: string }[]) =>
    nodes.map(({ endpoint }) => `http://${endpoint}`);
  return {
    brokers: servers.kafka.map(({ endpoint }) => endpoint),
    namenodes: urls(servers.namenodes),
    elasticsearch: urls(servers.elasticsearch),
  };
}

/**
 * How the jobs are set: so that faults show soon, and with disorder, or as users have them, for
 * figures.
 */
export type Tuning = "faults" | "default";

/** Members of the adapters in a configuration; `root` and `prefix` keep worlds apart. */
export function adapters(
  { brokers, namenodes, elasticsearch }: Endpoints,
  { world, tuning = "faults" }: { readonly world: number; readonly tuning?: Tuning },
) {
  // Nobody waits for single records of faults: brokers that may gather them have half the requests.
  const waits = tuning === "faults" ? { fetchWait: "250ms" } : {};
  return {
    kafka: { brokers, prefix: prefixOf(world), ...waits },
    hdfs: { namenodes, user: "hdfs", root: `/world-${world}` },
    // Two copies: with three, two cores cannot fold two generations at this rate side by side.
    elasticsearch: { nodes: elasticsearch, prefix: prefixOf(world), replicas: 1 },
  };
}

/** What the names of a world's topics, groups and indices begin with. */
export function prefixOf(world: number): string {
  return `world${world}-`;
}

/** The generator's; history ends at `end`, and live traffic goes on from there. */
export function generatorConfig(
  records: Records,
  { end, rate, tuning }: { readonly end: number; readonly rate: number; readonly tuning: Tuning },
) {
  const historical = { days: 1, scale: 0.4, end: new Date(end).toISOString() };
  if (tuning === "default") return { historical, realtime: { rate }, ledger: records.ledger };
  return {
    historical,
    realtime: {
      rate,
      linger: "50ms",
      disorder: {
        late: 2,
        lateBy: "10s",
        duplicates: 1,
        duplicateBy: "5s",
        poison: 0.5,
        skew: 2,
        skewBy: "30m",
        future: 0.3,
      },
    },
    ...records,
  };
}

/** Settings of the other jobs, for either tuning. */
export function settingsOf(tuning: Tuning) {
  if (tuning === "faults") return SETTINGS;
  const { serving } = SETTINGS;
  return { ingest: COMMON, speed: COMMON, batch: COMMON, serving };
}

const COMMON = { partitions: PARTITIONS };

/** Settings that show faults: a little quicker to notice and to give up than by default. */
const SETTINGS = {
  ingest: { partitions: PARTITIONS, flush: { age: `${FLUSH_AGE}s` } },
  speed: {
    partitions: PARTITIONS,
    flushInterval: "2s",
    maxDocuments: 100_000,
  },
  batch: {
    partitions: PARTITIONS,
    catchUpTimeout: "8m",
    lockLease: "10s",
    lockWait: "60s",
  },
  serving: { partitions: PARTITIONS, host: "127.0.0.1" },
} as const;
