/**
 * Configuration of a job's ports: its servers, or embedded ports instead.
 *
 * @module
 */

import type { Server } from "@pipeline/runtime";
import type { z } from "zod";
import { type ElasticsearchConfig, elasticsearchConfig } from "./elasticsearch/config.ts";
import { type EmbeddedConfig, embeddedConfig } from "./embedded/config.ts";
import { type HdfsConfig, hdfsConfig } from "./hdfs/config.ts";
import { type KafkaConfig, kafkaConfig } from "./kafka/config.ts";

/** The configuration of each server. */
export interface ServerConfigs {
  /** The log. */
  readonly kafka: KafkaConfig;
  /** The master dataset. */
  readonly hdfs: HdfsConfig;
  /** The serving store. */
  readonly elasticsearch: ElasticsearchConfig;
}

/** The location of a job's ports: servers, or a folder on this machine. */
export type Place<N extends Server> =
  & { readonly [S in N]?: ServerConfigs[S] | undefined }
  & { readonly embedded?: EmbeddedConfig | undefined };

/** Members of a job's schema, see {@linkcode placeFields}. */
export type PlaceFields<N extends Server> =
  & { readonly [S in N]: z.ZodOptional<z.ZodType<ServerConfigs[S]>> }
  & { readonly embedded: z.ZodOptional<z.ZodType<EmbeddedConfig>> };

const FIELDS: PlaceFields<Server> = {
  kafka: kafkaConfig.optional().describe("How Kafka is reached"),
  elasticsearch: elasticsearchConfig.optional().describe("How Elasticsearch is reached"),
  hdfs: hdfsConfig.optional().describe("How HDFS is reached"),
  embedded: embeddedConfig.optional().describe("Ports on this machine instead of the servers"),
};

/** Members of a job's schema: the servers that it needs, and the embedded alternative. */
export function placeFields<N extends Server>(needs: readonly N[]): PlaceFields<N> {
  const names: readonly string[] = [...needs, "embedded"];
  const fields = Object.entries(FIELDS).filter(([name]) => names.includes(name));
  return Object.fromEntries(fields) as PlaceFields<N>;
}
