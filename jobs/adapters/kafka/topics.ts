/**
 * Topics: made as they must be, or checked.
 *
 * @module
 */

import { type LogRange, PipelineError, type TopicSpec } from "@pipeline/core";
import { type Admin, ConfigResourceTypes } from "kafkajs";
import type { KafkaConfig } from "./config.ts";
import { toPipelineError } from "./errors.ts";

/** Settings that a topic is made with, and those without which nothing here is right. */
function settings(config: KafkaConfig): { readonly name: string; readonly value: string }[] {
  return [
    // Late and future records are judged against the log's own clock, the same at every reading.
    { name: "message.timestamp.type", value: "LogAppendTime" },
    { name: "min.insync.replicas", value: String(config.minInsyncReplicas) },
    { name: "retention.ms", value: String(config.retention) },
    { name: "cleanup.policy", value: "delete" },
    { name: "unclean.leader.election.enable", value: "false" },
  ];
}

/** Settings that may be other than ours without harm: people tune them. */
const TUNABLE = new Set(["retention.ms"]);

/**
 * Makes the topics that are missing and checks the others.
 *
 * @throws {PipelineError} `conflict`, naming the topic, the setting, its value and the one wanted.
 */
export async function ensureTopics(
  admin: Admin,
  specs: readonly TopicSpec[],
  config: KafkaConfig,
): Promise<void> {
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
  for (const { resourceName, configEntries } of resources) {
    for (const { name, value } of settings(config)) {
      if (TUNABLE.has(name)) continue;
      const entry = configEntries.find(({ configName }) => configName === name);
      check(resourceName, name, entry?.configValue ?? "", value);
    }
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
    const problem = toPipelineError(error, `Making the topics ${specs.map((s) => s.topic)}`);
    // Somebody else makes them at the same time: they are checked like the others.
    if (problem.code !== "exists") throw problem;
  }
}

/** Partitions and copies of topics; waits a while for those that were just made. */
async function describe(admin: Admin, topics: string[]) {
  for (let attempt = 0;; attempt++) {
    try {
      const { topics: found } = await admin.fetchTopicMetadata({ topics });
      return new Map(found.map(({ name, partitions }) => [name, {
        partitionCount: partitions.length,
        copies: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      }]));
    } catch (error) {
      if (attempt >= 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
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
