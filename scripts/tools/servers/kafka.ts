/**
 * Kafka in KRaft mode: each node is both broker and controller.
 *
 * @module
 */

import { Kafka, logLevel } from "kafkajs";
import { exists } from "./_cache.ts";
import { command } from "./command.ts";
import { provideJava } from "./provide.ts";
import { jars } from "./jars.ts";
import { javaFlags, local, type Settings } from "./_settings.ts";
import type { NodeSpec } from "./node.ts";

/** Megabytes of heap per node. */
const HEAP = 400;

/** `log4j2.yaml`: everything to standard output. */
export const LOGGING: string = `Configuration:
  status: warn
  Appenders:
    Console: {name: STDOUT, PatternLayout: {pattern: "%d %p %m (%c)%n"}}
  Loggers:
    Root: {level: INFO, AppenderRef: [{ref: STDOUT}]}
`;

/** Prepares the nodes' folders below `data`, formats new ones, and returns how to start them. */
export async function prepareKafka(data: string, settings: Settings): Promise<NodeSpec[]> {
  const { kafka: nodes, overrides, steady } = settings;
  if (nodes.length === 0) return [];
  const { home } = await provideJava(17, { for: "Kafka" });
  const classpath = `${await jars("kafka")}/*`;
  const java = `${home}/bin/java`;
  const logging = `${data}/kafka-log4j2.yaml`;
  await Deno.writeTextFile(logging, LOGGING);
  const cluster = await clusterId(data);
  const voters = nodes.map(({ internal }, i) => `${i + 1}@${local(internal)}`).join(",");
  return await Promise.all(nodes.map(async (ports, i): Promise<NodeSpec> => {
    const { client, internal, behind, proxy } = ports;
    // For clients that come through a proxy: brokers advertise the address of each broker.
    const proxied = { behind: local(behind!), proxy: local(proxy!) };
    const name = `kafka-${i + 1}`;
    const folder = `${data}/${name}`;
    await Deno.mkdir(folder, { recursive: true });
    const properties = {
      ...common(nodes.length),
      "node.id": String(i + 1),
      "controller.quorum.voters": voters,
      "listeners": `PLAINTEXT://${local(client)},CONTROLLER://${local(internal)},` +
        `PROXIED://${proxied.behind}`,
      "advertised.listeners": `PLAINTEXT://${local(client)},PROXIED://${proxied.proxy}`,
      "log.dirs": `${folder}/log`,
      ...overrides.kafka,
    };
    const file = `${folder}/server.properties`;
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    await Deno.writeTextFile(file, lines.join(""));
    const flags = [
      ...javaFlags(HEAP, steady),
      `-Dlog4j2.configurationFile=${logging}`,
      ...["-cp", classpath],
    ];
    if (!await exists(`${folder}/log/meta.properties`)) {
      await command(java, [
        ...javaFlags(128, false),
        `-Dlog4j2.configurationFile=${logging}`,
        ...["-cp", classpath, "kafka.tools.StorageTool", "format"],
        ...["-t", cluster, "-c", file],
      ]);
    }
    return {
      name,
      endpoint: local(client),
      command: [java, ...flags, "kafka.Kafka", file],
      proxied,
      answers: () => registered(local(client), i + 1),
    };
  }));
}

/**
 * Runs a tool of Kafka's distribution by the name of its class and returns its output.
 *
 * @throws {PipelineError} as {@linkcode command}.
 */
export async function kafkaTool(name: string, args: readonly string[]): Promise<string> {
  const { home } = await provideJava(17, { for: "Kafka" });
  const classpath = `${await jars("kafka")}/*`;
  return await command(`${home}/bin/java`, ["-Xmx400m", "-cp", classpath, name, ...args]);
}

/**
 * Settings of all nodes: three replicas of which two must be in sync, and no automatic creation.
 */
function common(nodes: number): Record<string, string> {
  const copies = String(Math.min(3, nodes));
  const least = nodes >= 3 ? "2" : "1";
  return {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT",
    "num.partitions": "3",
    "default.replication.factor": copies,
    "min.insync.replicas": least,
    "offsets.topic.replication.factor": copies,
    "offsets.topic.num.partitions": "6",
    "transaction.state.log.replication.factor": copies,
    "transaction.state.log.num.partitions": "6",
    "transaction.state.log.min.isr": least,
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    // A frozen or dead broker must be noticed in seconds.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    "replica.lag.time.max.ms": "10000",
    "log.cleaner.dedupe.buffer.size": String(16 << 20),
  };
}

async function clusterId(data: string): Promise<string> {
  const file = `${data}/kafka-cluster-id`;
  if (await exists(file)) return await Deno.readTextFile(file);
  // A UUID in URL-safe base64 without padding, as made by StorageTool.
  const id = crypto.getRandomValues(new Uint8Array(16))
    .toBase64({ alphabet: "base64url", omitPadding: true }).replace(/^-/, "A");
  await Deno.writeTextFile(file, id);
  return id;
}

/** Whether a broker is registered with the controllers, and answers. */
async function registered(endpoint: string, id: number): Promise<boolean> {
  const kafka = new Kafka({
    brokers: [endpoint],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    return controller !== null && brokers.some(({ nodeId }) => nodeId === id);
  } finally {
    await admin.disconnect();
  }
}
