/**
 * The three ports that the jobs run on: those of one folder, or real servers.
 *
 * @module
 */

import { placeFields, type ServerConfigs } from "@pipeline/adapters/config";
import { acquireLock } from "@pipeline/adapters/embedded";
import { type Openers, openPorts } from "@pipeline/adapters/process";
import { hasCode, PipelineError } from "@pipeline/core";
import { type Closable, loadConfig, type Logger, type Ports, type Server } from "@pipeline/runtime";
import { z } from "zod";

const SERVERS = ["kafka", "hdfs", "elasticsearch"] as const;

const { kafka, hdfs, elasticsearch } = placeFields(SERVERS);
const serversConfig: z.ZodType<ServerConfigs> = z.strictObject({
  kafka: kafka.unwrap(),
  hdfs: hdfs.unwrap(),
  elasticsearch: elasticsearch.unwrap(),
});

/** On a folder's own parts no client is loaded. */
const openers: Openers<Server> = {
  kafka: async (...args) => (await import("@pipeline/adapters/kafka")).openKafka(...args),
  hdfs: async (...args) => (await import("@pipeline/adapters/hdfs")).openHdfs(...args),
  elasticsearch: async (...args) =>
    (await import("@pipeline/adapters/elasticsearch")).openElasticsearch(...args),
};

/** Where everything is. Plain data, which crosses threads. */
export interface Place {
  /** Folder of everything stored, or of the run's own notes beside the servers. */
  readonly folder: string;
  /** In place of the folder's own log, dataset and store. */
  readonly servers?: ServerConfigs;
}

/** All three ports, and a way to close them. */
export type Parts = Ports & Closable;

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
  const { access, ...others } = options;
  if (servers === undefined) {
    return await openPorts(SERVERS, { embedded: { folder, access } }, { openers });
  }
  const lock = access === "own" ? acquireLock(folder) : undefined;
  try {
    const parts = await openPorts(SERVERS, servers, { ...others, openers });
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
