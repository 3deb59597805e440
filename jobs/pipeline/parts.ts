/**
 * The three ports that the jobs run on: those of one folder, or real servers.
 *
 * @module
 */

import {
  type ElasticsearchConfig,
  elasticsearchConfig,
} from "@pipeline/adapters/elasticsearch/config";
import { acquireLock, openEmbedded } from "@pipeline/adapters/embedded";
import { type HdfsConfig, hdfsConfig } from "@pipeline/adapters/hdfs/config";
import { type KafkaConfig, kafkaConfig } from "@pipeline/adapters/kafka/config";
import {
  type EventLog,
  hasCode,
  type MasterDataset,
  PipelineError,
  type ServingStore,
} from "@pipeline/core";
import { loadConfig, type Logger, openAll } from "@pipeline/runtime";
import { z } from "zod";

/** How real servers are reached. */
export interface ServersConfig {
  /** The log. */
  readonly kafka: KafkaConfig;
  /** The master dataset. */
  readonly hdfs: HdfsConfig;
  /** The serving store. */
  readonly elasticsearch: ElasticsearchConfig;
}

const serversConfig: z.ZodType<ServersConfig> = z.strictObject({
  kafka: kafkaConfig.describe("How Kafka is reached"),
  hdfs: hdfsConfig.describe("How HDFS is reached"),
  elasticsearch: elasticsearchConfig.describe("How Elasticsearch is reached"),
});

/** Where everything is. Plain data, which crosses threads. */
export interface Place {
  /** Folder of everything stored, or of the run's own notes beside the servers. */
  readonly folder: string;
  /** In place of the folder's own log, dataset and store. */
  readonly servers?: ServersConfig;
}

/** All three ports. */
export interface Parts {
  /** The log. */
  readonly log: EventLog;
  /** The master dataset. */
  readonly dataset: MasterDataset;
  /** The serving store. */
  readonly store: ServingStore;
  /** Closes all three. */
  close(): Promise<void>;
}

/**
 * The place of a folder, with the servers that a file names, if one is given.
 *
 * @throws {PipelineError} `invalid` where the file is of no use.
 */
export async function readPlace(folder: string, file: string | undefined): Promise<Place> {
  if (file === undefined) return { folder };
  let servers: unknown;
  try {
    servers = JSON.parse(await Deno.readTextFile(file));
  } catch (cause) {
    throw new PipelineError("invalid", `The file ${file} does not say how servers are reached`, {
      cause,
    });
  }
  return { folder, servers: loadConfig(serversConfig, { file: servers }) };
}

/**
 * Opens what lies in a place.
 *
 * @param options.access as `openEmbedded` has it: `own` holds the folder's lock, whatever the
 * ports are, and rejects with `conflict` where somebody else does.
 */
export async function openParts(
  { folder, servers }: Place,
  options: { readonly access: "own" | "join" | "read"; readonly logger?: Logger },
): Promise<Parts> {
  if (servers === undefined) return openEmbedded(folder, { access: options.access });
  const lock = options.access === "own" ? acquireLock(folder) : undefined;
  try {
    // Only here: on a folder's own parts no client is loaded.
    const [{ openKafka }, { openHdfs }, { openElasticsearch }] = await Promise.all([
      import("@pipeline/adapters/kafka"),
      import("@pipeline/adapters/hdfs"),
      import("@pipeline/adapters/elasticsearch"),
    ]);
    const parts = await openAll({
      log: () => openKafka(servers.kafka, options),
      dataset: () => openHdfs(servers.hdfs, options),
      store: () => openElasticsearch(servers.elasticsearch),
    });
    return { ...parts, close: () => parts.close().finally(() => lock?.release()) };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** Opens a place for its one owner, in words for people where somebody else is that. */
export async function ownParts(place: Place, logger?: Logger): Promise<Parts> {
  try {
    return await openParts(place, { access: "own", ...(logger === undefined ? {} : { logger }) });
  } catch (error) {
    if (!hasCode(error, "conflict")) throw error;
    throw new PipelineError("invalid", `${error.message}: end that one, or name another folder`);
  }
}
