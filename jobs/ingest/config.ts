/**
 * Configuration of the ingest job.
 *
 * @module
 */

import { type EmbeddedConfig, embeddedConfig } from "@pipeline/adapters/embedded/config";
import { type HdfsConfig, hdfsConfig } from "@pipeline/adapters/hdfs/config";
import { type KafkaConfig, kafkaConfig } from "@pipeline/adapters/kafka/config";
import { DEFAULT_MAX_FUTURE, DEFAULT_PARTITIONS } from "@pipeline/core";
import {
  byteSize,
  duration,
  integer,
  type OpsConfig,
  opsFields,
  type ProcessConfig,
  processFields,
  serversOrEmbedded,
} from "@pipeline/runtime";
import { z } from "zod";

/** Checked configuration of the ingest job. Times in milliseconds, sizes in bytes. */
export interface IngestConfig extends ProcessConfig {
  /** Where health and metrics are served. */
  readonly ops: OpsConfig;
  /** Partitions of each topic of records. */
  readonly partitions: number;
  /** Partitions of the dead letters. */
  readonly deadLetterPartitions: number;
  /** When a partition is flushed; see `IngestSettings`. */
  readonly flush: { readonly records: number; readonly bytes: number; readonly age: number };
  /** How far ahead of the log's clock an event may be. */
  readonly maxFuture: number;
  /** How often what dead writers left is looked for, and how old it must be. */
  readonly sweep: { readonly interval: number; readonly age: number };
  /** Without any progress for so long, while there is lag, the job is not live. */
  readonly stallAfter: number;
  /** How Kafka is reached. */
  readonly kafka?: KafkaConfig | undefined;
  /** How HDFS is reached. */
  readonly hdfs?: HdfsConfig | undefined;
  /** In place of servers. */
  readonly embedded?: EmbeddedConfig | undefined;
}

/** What every command of the job may be given. */
const ingestSchema = z.strictObject({
  ...processFields,
  ...opsFields,
  partitions: integer({ min: 1, max: 1_000 }).prefault(DEFAULT_PARTITIONS)
    .describe("Partitions of each topic of records"),
  deadLetterPartitions: integer({ min: 1, max: 1_000 }).prefault(1)
    .describe("Partitions of the topic of dead letters"),
  flush: z.strictObject({
    records: integer({ min: 1 }).prefault(50_000)
      .describe("A partition is flushed when it holds this many records"),
    bytes: byteSize({ min: 1 }).prefault("32MiB")
      .describe("A partition is flushed when it holds this much"),
    age: duration({ min: 10 }).prefault("5s")
      .describe("A partition is flushed when what it holds is this old"),
  }).prefault({}),
  maxFuture: duration().prefault(DEFAULT_MAX_FUTURE).describe(
    "How far ahead of the log's clock an event may be; beyond, it is a dead letter. The same in batch",
  ),
  sweep: z.strictObject({
    interval: duration({ min: 1_000 }).prefault("1h")
      .describe("How often to look for what dead writers left"),
    age: duration({ min: 60_000 }).prefault("1d")
      .describe("How old that must be; longer than every time-out of a writer"),
  }).prefault({}),
  stallAfter: duration({ min: 1_000 }).prefault("5m")
    .describe("Without progress for this long, while there is lag, the job is not live"),
  kafka: kafkaConfig.optional().describe("How Kafka is reached"),
  hdfs: hdfsConfig.optional().describe("How HDFS is reached"),
  embedded: embeddedConfig.optional().describe("Parts on this machine in place of the servers"),
});

/** What `run` and `setup` need. */
export const ingestConfig: z.ZodType<IngestConfig> = ingestSchema.superRefine(
  serversOrEmbedded(["kafka", "hdfs"]),
);

/** What `bootstrap` needs. */
export const bootstrapConfig: z.ZodType<IngestConfig> = ingestSchema.superRefine(
  serversOrEmbedded(["hdfs"]),
);
