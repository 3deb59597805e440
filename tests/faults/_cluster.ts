/**
 * Which node plays which part in the servers, and whether all is whole again.
 *
 * @module
 */

import type { ServerNode, Servers } from "@pipeline/tools/servers";
import { type Admin, AssignerProtocol, Kafka, logLevel } from "kafkajs";
import { pause } from "../support/demo.ts";

/** Milliseconds for everything to become whole after a repair, on a machine that is slow. */
const LONGEST_REPAIR = 280_000;

/** Asks the brokers. */
export async function withAdmin<T>(
  servers: Servers,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new Kafka({
    brokers: servers.kafka.map(({ endpoint }) => endpoint),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
  }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** The broker that leads a partition. */
export async function leaderOf(
  servers: Servers,
  topic: string,
  partition: number,
): Promise<ServerNode> {
  const { topics } = await withAdmin(
    servers,
    (admin) => admin.fetchTopicMetadata({ topics: [topic] }),
  );
  const leader = topics[0]?.partitions.find((found) => found.partitionId === partition)?.leader;
  const node = servers.kafka[(leader ?? 0) - 1];
  if (node === undefined) throw new Error(`${topic}-${partition} has no leader`);
  return node;
}

/** The broker that coordinates a consumer group: the leader of the group's partition of offsets. */
export async function coordinatorOf(servers: Servers, group: string): Promise<ServerNode> {
  const { topics } = await withAdmin(
    servers,
    (admin) => admin.fetchTopicMetadata({ topics: ["__consumer_offsets"] }),
  );
  const partitions = topics[0]!.partitions.length;
  return await leaderOf(servers, "__consumer_offsets", javaHash(group) % partitions);
}

/** `String.hashCode` of Java without its sign, by which Kafka chooses a group's coordinator. */
function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash & 0x7fff_ffff;
}

/** A node of Elasticsearch that runs. */
export function anyNode(servers: Servers): ServerNode {
  const node = servers.elasticsearch.find(({ runs }) => runs);
  if (node === undefined) throw new Error("No node of Elasticsearch runs");
  return node;
}

/** Asks a node of Elasticsearch; what is not an answer of 2xx is an error. */
export async function askElasticsearch(
  node: ServerNode,
  path: string,
  init: RequestInit = {},
  // deno-lint-ignore no-explicit-any -- answers are looked at field by field
): Promise<any> {
  const response = await fetch(`http://${node.endpoint}${path}`, {
    signal: AbortSignal.timeout(70_000),
    ...init,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** The master of Elasticsearch. */
export async function masterOf(servers: Servers): Promise<ServerNode> {
  const asked = anyNode(servers);
  const { master_node: id, nodes } = await askElasticsearch(
    asked,
    "/_cluster/state/master_node,nodes",
  );
  const master = servers.elasticsearch.find(({ name }) => name === nodes[id]?.name);
  if (master === undefined) throw new Error("Elasticsearch has no master");
  return master;
}

/** Starts what does not run, and waits until every copy of everything is there again. */
export async function repair(servers: Servers): Promise<void> {
  for (const node of servers.nodes) node.resume();
  await servers.start();
  const end = performance.now() + LONGEST_REPAIR;
  for (;;) {
    const missing = await whatIsMissing(servers).catch((error) => String(error));
    if (missing === undefined) return;
    if (performance.now() > end) throw new Error(`The servers are not whole again: ${missing}`);
    await pause(500);
  }
}

async function whatIsMissing(servers: Servers): Promise<string | undefined> {
  const { topics } = await withAdmin(servers, (admin) => admin.fetchTopicMetadata());
  for (const { name, partitions } of topics) {
    for (const { partitionId, isr, replicas } of partitions) {
      if (isr.length < replicas.length) return `${name}-${partitionId} has ${isr.length} copies`;
    }
  }
  const { status } = await askElasticsearch(anyNode(servers), "/_cluster/health?timeout=2s");
  return status === "green" ? undefined : `Elasticsearch is ${status}`;
}

/** Members of a consumer group with the number of partitions that each has. */
export async function membersOf(
  servers: Servers,
  group: string,
): Promise<Readonly<Record<string, number>>> {
  const { groups } = await withAdmin(servers, (admin) => admin.describeGroups([group]));
  return Object.fromEntries(
    groups[0]!.members.map(({ memberId, memberAssignment }) => {
      const assigned = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {};
      return [memberId, Object.values(assigned).flat().length];
    }).toSorted(),
  );
}

/** Limits the bytes, copies counted, below a world's root; -1 for no limit. */
export async function setSpaceQuota(
  { servers, root }: { readonly servers: Servers; readonly root: string },
  bytes: number,
): Promise<void> {
  const [namenode] = servers.namenodes;
  const query = `op=SETQUOTA&storagespacequota=${bytes}&user.name=hdfs`;
  const response = await fetch(`http://${namenode!.endpoint}/webhdfs/v1${root}?${query}`, {
    method: "PUT",
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`SETQUOTA answers ${response.status}: ${text}`);
}

/** Blocks that lack copies, as the NameNode counts them. */
export async function underReplicated({ servers }: { readonly servers: Servers }): Promise<number> {
  const [namenode] = servers.namenodes;
  const url = `http://${namenode!.endpoint}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystem`;
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const { beans } = await response.json();
  return beans[0].UnderReplicatedBlocks;
}
