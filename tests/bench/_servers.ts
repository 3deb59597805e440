/**
 * Real servers for a benchmark, started for it alone, and what they cost the machine.
 *
 * @module
 */

import { openKafka } from "@pipeline/adapters/kafka";
import type { EventLog, ProducerRecord, Topic } from "@pipeline/core";
import { type Servers, type ServersOptions, startServers } from "@pipeline/tools/servers";
import type { Line } from "./_history.ts";

/** Partitions of each topic. */
export const PARTITIONS = 3;

/** Records that are sent together. */
export const BATCH = 1_000;

/** Runs a benchmark on servers of its own: of the kinds that are counted, and fully compiled unless said otherwise. */
export async function onServers<T>(
  options: ServersOptions,
  work: (servers: Servers) => Promise<T>,
): Promise<T> {
  await using servers = await startServers({
    kafka: 0,
    datanodes: 0,
    elasticsearch: 0,
    steady: true,
    ...options,
  });
  return await work(servers);
}

/** A file that says how servers are reached, for names that all begin alike; whoever asks removes it. */
export async function serversFile(servers: Servers, prefix: string): Promise<string> {
  const urls = (nodes: Servers["nodes"]) => nodes.map(({ endpoint }) => `http://${endpoint}`);
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(
    file,
    JSON.stringify({
      kafka: { brokers: brokers(servers), prefix: `${prefix}-` },
      hdfs: { namenodes: urls(servers.namenodes), root: `/${prefix}` },
      elasticsearch: { nodes: urls(servers.elasticsearch), prefix: `${prefix}-` },
    }),
  );
  return file;
}

/** Addresses of the brokers. */
export function brokers(servers: Servers): string[] {
  return servers.kafka.map((node) => node.endpoint);
}

/** The log on those brokers, as the jobs open it. */
export function openLog(servers: Servers): EventLog {
  return openKafka({ brokers: brokers(servers) });
}

/** A record for a topic; the key spreads records evenly. */
export function toRecord(topic: Topic | string, { bytes }: Line, key: number): ProducerRecord {
  return { topic, key: String(key), value: bytes };
}

/** Appends lines to one topic: several batches under way, none waits for another's answer. */
export async function append(log: EventLog, topic: string, lines: readonly Line[]): Promise<void> {
  const producer = await log.producer();
  try {
    const underWay: Promise<unknown>[] = [];
    for (let at = 0; at < lines.length; at += BATCH) {
      const batch = lines.slice(at, at + BATCH).map((line, i) => toRecord(topic, line, at + i));
      underWay.push(producer.send(batch));
      if (underWay.length > 8) await underWay.shift();
    }
    await Promise.all(underWay);
  } finally {
    await producer.close();
  }
}

/** Clock ticks a second in `/proc`, which is 100 on every Linux that people run. */
const TICKS = 100;

/**
 * Seconds of processor time that a process has used, all threads together.
 *
 * Fields 14 and 15 of `/proc/<pid>/stat` (proc_pid_stat(5)), counted after the name, which may hold
 * spaces.
 */
export function processorSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Seconds of processor time of groups of processes, by group; see {@linkcode usedSince}. */
export type Usage = Readonly<Record<string, number>>;

/** What each kind of server and further processes have used so far. */
export function usage(servers: Servers, others: Readonly<Record<string, number>> = {}): Usage {
  const sum = (nodes: readonly { readonly pid: number }[]) =>
    nodes.reduce((total, { pid }) => total + processorSeconds(pid), 0);
  const used: Record<string, number> = {
    Kafka: sum(servers.kafka),
    HDFS: sum([...servers.namenodes, ...servers.datanodes]),
    Elasticsearch: sum(servers.elasticsearch),
  };
  for (const [name, pid] of Object.entries(others)) used[name] = processorSeconds(pid);
  return used;
}

/** Shares of the machine's cores between two readings, greatest first, as a text. */
export function sharesOf(before: Usage, after: Usage, seconds: number): string {
  const capacity = seconds * navigator.hardwareConcurrency;
  return Object.keys(after)
    .map((name) => [name, (after[name]! - (before[name] ?? 0)) / capacity] as const)
    .filter(([, share]) => share >= 0.005)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, share]) => `${name} ${Math.round(share * 100)} %`)
    .join(", ");
}
