/**
 * Topics: created in the required shape, altered if that is harmless, or refused.
 *
 * @module
 */

import { type LogRange, PipelineError, type TopicSpec } from "@pipeline/core";
import type { Logger } from "@pipeline/runtime";
import { type Admin, ConfigResourceTypes } from "kafkajs";
import type { KafkaConfig } from "./config.ts";
import { toPipelineError } from "./errors.ts";

/** Settings of new topics; correctness depends on most of them. */
function settings(config: KafkaConfig): { readonly name: string; readonly value: string }[] {
  return [
    // Late and future records are judged by the log's own clock, the same on every read.
    { name: "message.timestamp.type", value: "LogAppendTime" },
    { name: "min.insync.replicas", value: String(config.minInsyncReplicas) },
    { name: "retention.ms", value: String(config.retention) },
    { name: "cleanup.policy", value: "delete" },
    { name: "unclean.leader.election.enable", value: "false" },
  ];
}

/** Settings that may be altered on an existing topic: they affect later records only. */
const ALTERABLE = new Set(["min.insync.replicas", "retention.ms"]);

/** The source of a topic's setting, as numbered by brokers: 1 is the topic itself. */
interface ConfigEntry {
  readonly configName: string;
  readonly configValue: string;
  readonly configSource?: number;
}

const OWN = 1;

/** The required shape of topics, and the treatment of existing ones. */
export interface TopicOptions {
  /** Holds the settings. */
  readonly config: KafkaConfig;
  /** False to check the topics only. */
  readonly alter: boolean;
  /** Logs altered settings. */
  readonly logger: Logger | undefined;
}

/**
 * Creates missing topics, alters the alterable settings of the others, and checks the rest.
 *
 * @throws {PipelineError} `conflict`, naming the topic, the setting, its value and the required
 * one.
 */
export async function ensureTopics(
  admin: Admin,
  specs: readonly TopicSpec[],
  options: TopicOptions,
): Promise<void> {
  const { config } = options;
  const before = new Set(await admin.listTopics());
  const missing = specs.filter(({ topic }) => !before.has(topic));
  if (missing.length > 0) await create(admin, missing, config);
  const found = await describe(admin, specs.map(({ topic }) => topic));
  for (const { topic, partitions } of specs) {
    const { partitionCount, copies } = found.get(topic)!;
    check(topic, "partitions", String(partitionCount), String(partitions));
    check(topic, "copies of each partition", String(copies), String(config.replication));
  }
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: specs.map(({ topic }) => ({ type: ConfigResourceTypes.TOPIC, name: topic })),
  });
  const changes: Change[] = [];
  for (const { resourceName: topic, configEntries: entries } of resources) {
    for (const { name, value } of settings(config)) {
      const from = entries.find(({ configName }) => configName === name)?.configValue ?? "";
      if (!ALTERABLE.has(name)) check(topic, name, from, value);
      else if (from !== value) changes.push({ topic, entries, name, from, to: value });
    }
  }
  // Only after all of them have passed the checks.
  if (options.alter && changes.length > 0) await alter(admin, changes, options.logger);
}

interface Change {
  readonly topic: string;
  /** All current settings of the topic. */
  readonly entries: readonly ConfigEntry[];
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

async function alter(admin: Admin, changes: readonly Change[], logger: Logger | undefined) {
  const resources = [...Map.groupBy(changes, ({ topic }) => topic)].map(([topic, of]) => {
    // The request replaces all of the topic's own settings: those set by others are repeated.
    const own = of[0]!.entries.filter(({ configSource }) => configSource === OWN)
      .map(({ configName, configValue }) => [configName, configValue] as const);
    const altered = new Map([...own, ...of.map(({ name, to }) => [name, to] as const)]);
    const configEntries = [...altered].map(([name, value]) => ({ name, value }));
    return { type: ConfigResourceTypes.TOPIC, name: topic, configEntries };
  });
  await admin.alterConfigs({ validateOnly: false, resources });
  for (const { topic, name, from, to } of changes) {
    logger?.info(`Topic ${topic}: ${name} altered from ${from} to ${to}`, {
      topic,
      name,
      from,
      to,
    });
  }
}

async function create(admin: Admin, specs: readonly TopicSpec[], config: KafkaConfig) {
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: specs.map(({ topic, partitions }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: config.replication,
        configEntries: settings(config),
      })),
    });
  } catch (error) {
    const problem = toPipelineError(error, `Creating the topics ${specs.map((s) => s.topic)}`);
    // Created concurrently, or not yet known to the broker that the client asked: they are checked
    // like the others.
    if (problem.code !== "exists" && problem.code !== "not_found") throw problem;
  }
}

/** Milliseconds between two lookups of topics that were just created, and most lookups. */
const LOOKUP = { interval: 100, most: 150 };

/** Partitions and replicas of topics; waits for topics that were just created. */
async function describe(admin: Admin, topics: string[]) {
  for (let attempt = 0;; attempt++) {
    try {
      const { topics: found } = await admin.fetchTopicMetadata({ topics });
      return new Map(found.map(({ name, partitions }) => [name, {
        partitionCount: partitions.length,
        copies: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      }]));
    } catch (error) {
      const problem = toPipelineError(error, `Looking up the topics ${topics}`);
      if (problem.code !== "not_found" && problem.code !== "unavailable") throw problem;
      if (attempt >= LOOKUP.most) {
        throw new PipelineError("unavailable", problem.message, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, LOOKUP.interval));
    }
  }
}

function check(topic: string, what: string, found: string, wanted: string): void {
  if (found === wanted) return;
  throw new PipelineError("conflict", `Topic ${topic}: ${what} is ${found}, not ${wanted}`);
}

/** The readable range of every partition, ascending. */
export async function topicRanges(admin: Admin, topic: string): Promise<LogRange[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ partition, earliest: Number(low), end: Number(high) }))
    .sort((a, b) => a.partition - b.partition);
}
