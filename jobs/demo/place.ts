/**
 * The location of the demo's ports: one folder, or real servers.
 *
 * @module
 */

import { placeFields, type ServerConfigs } from "@pipeline/adapters/config";
import { acquireLock } from "@pipeline/adapters/embedded";
import { type Openers, openPorts } from "@pipeline/adapters/process";
import { PipelineError } from "@pipeline/core";
import {
  type Closable,
  type CommandConfig,
  type JobSpec,
  loadConfig,
  type Logger,
  type Ports,
  type Server,
} from "@pipeline/runtime";
import { z } from "zod";

const SERVERS = ["kafka", "hdfs", "elasticsearch"] as const;

const { kafka, hdfs, elasticsearch } = placeFields(SERVERS);
const serversConfig: z.ZodType<ServerConfigs> = z.strictObject({
  kafka: kafka.unwrap(),
  hdfs: hdfs.unwrap(),
  elasticsearch: elasticsearch.unwrap(),
});

/** Clients are loaded only if servers are used. */
export const openers: Openers<Server> = {
  kafka: async (...args) => (await import("@pipeline/adapters/kafka")).openKafka(...args),
  hdfs: async (...args) => (await import("@pipeline/adapters/hdfs")).openHdfs(...args),
  elasticsearch: async (...args) =>
    (await import("@pipeline/adapters/elasticsearch")).openElasticsearch(...args),
};

/** Location of the ports. Plain data, which can be posted to threads. */
export interface Place {
  /** Folder of all stored data, or of the run's own notes if there are servers. */
  readonly folder: string;
  /** Replaces the folder's own log, dataset and store. */
  readonly servers?: ServerConfigs;
}

/** The three ports. */
export type Parts = Ports & Closable;

/**
 * The place of a folder, with the servers from a file, if one is given.
 *
 * @throws {PipelineError} `invalid` if the file is unusable.
 */
export async function readPlace(folder: string, file: string | undefined): Promise<Place> {
  if (file === undefined) return { folder };
  let servers: unknown;
  try {
    servers = JSON.parse(await Deno.readTextFile(file));
  } catch (cause) {
    throw new PipelineError("invalid", `The file ${file} does not configure the servers`, {
      cause,
    });
  }
  return { folder, servers: loadConfig(serversConfig, { file: servers }) };
}

/**
 * A job's configuration in a place.
 *
 * @param settings settings that differ from the job's defaults.
 */
export function configure<C extends CommandConfig>(
  { config, needs }: JobSpec<C>,
  { folder, servers }: Place,
  settings: object = {},
): C {
  const where = servers === undefined
    ? { embedded: { folder } }
    : Object.fromEntries(needs.map((server) => [server, servers[server]]));
  return config.parse({ ...where, ...settings });
}

/**
 * Opens the ports of a place.
 *
 * @param options.access as in `openEmbedded`: `own` holds the folder's lock, whatever the ports
 * are, and rejects with `conflict` if another process holds it.
 */
export async function openParts(
  { folder, servers }: Place,
  { access, logger }: { readonly access: "own" | "join"; readonly logger: Logger },
): Promise<Parts> {
  if (servers === undefined) {
    return await openPorts(SERVERS, { embedded: { folder, access } }, { openers });
  }
  const lock = access === "own" ? acquireLock(folder) : undefined;
  try {
    const parts = await openPorts(SERVERS, servers, { logger, openers });
    return { ...parts, close: () => parts.close().finally(() => lock?.release()) };
  } catch (error) {
    lock?.release();
    throw error;
  }
}
