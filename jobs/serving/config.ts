/**
 * Configuration of the serving job.
 *
 * @module
 */

import {
  type ElasticsearchConfig,
  elasticsearchConfig,
} from "@pipeline/adapters/elasticsearch/config";
import { type EmbeddedConfig, embeddedConfig } from "@pipeline/adapters/embedded/config";
import { type KafkaConfig, kafkaConfig } from "@pipeline/adapters/kafka/config";
import { DEFAULT_PARTITIONS } from "@pipeline/core";
import {
  duration,
  integer,
  type OpsConfig,
  opsFields,
  port,
  type ProcessConfig,
  processFields,
  serversOrEmbedded,
  text,
} from "@pipeline/runtime";
import { z } from "zod";

/** What the API is limited to. Times in milliseconds. */
export interface ServingLimits {
  /** Longest time to answer a request. */
  readonly requestTimeout: number;
  /** Most requests that are answered at a time. */
  readonly maxRequests: number;
  /** Most clients that follow the stream at a time. */
  readonly maxStreams: number;
}

/** Checked configuration of the serving job. Times in milliseconds. */
export interface ServingConfig extends ProcessConfig, ServingLimits {
  /** Where health and metrics are served besides the API's own port. */
  readonly ops: OpsConfig;
  /** Address to listen on. */
  readonly host: string;
  /** Port of the API and the page. */
  readonly port: number;
  /** Partitions of each topic of records. */
  readonly partitions: number;
  /** How Kafka is reached. */
  readonly kafka?: KafkaConfig | undefined;
  /** How Elasticsearch is reached. */
  readonly elasticsearch?: ElasticsearchConfig | undefined;
  /** In place of servers. */
  readonly embedded?: EmbeddedConfig | undefined;
}

const limits = {
  requestTimeout: duration({ min: 100 }).prefault("10s")
    .describe("Longest time to answer a request"),
  maxRequests: integer({ min: 1, max: 10_000 }).prefault(64)
    .describe("Most requests that are answered at a time; more are refused"),
  maxStreams: integer({ min: 1, max: 10_000 }).prefault(200)
    .describe("Most clients that follow the stream at a time; more are refused"),
};

/** The limits where nothing else is configured. */
export const DEFAULT_LIMITS: ServingLimits = z.strictObject(limits).parse({});

/** Configuration of the serving job. */
export const servingConfig: z.ZodType<ServingConfig> = z.strictObject({
  ...processFields,
  ...opsFields,
  host: text().prefault("::")
    .describe("Address to listen on; `::` is all of both families, `0.0.0.0` all of IPv4"),
  port: port().prefault(30080).describe("Port of the API and the page"),
  ...limits,
  partitions: integer({ min: 1, max: 1_000 }).prefault(DEFAULT_PARTITIONS)
    .describe("Partitions of each topic of records"),
  kafka: kafkaConfig.optional().describe("How Kafka is reached"),
  elasticsearch: elasticsearchConfig.optional().describe("How Elasticsearch is reached"),
  embedded: embeddedConfig.optional().describe("Parts on this machine in place of the servers"),
}).superRefine(serversOrEmbedded(["kafka", "elasticsearch"]));
