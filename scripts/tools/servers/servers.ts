/**
 * Real Kafka, HDFS and Elasticsearch as processes of this machine, on loopback.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { exists } from "./_cache.ts";
import { freePorts, type Overrides, type Ports, type Settings } from "./_settings.ts";
import { prepareElasticsearch } from "./elasticsearch.ts";
import { prepareHdfs } from "./hdfs.ts";
import { prepareKafka } from "./kafka.ts";
import { type NodeSpec, ServerNode } from "./node.ts";

/** Number and location of the servers. */
export interface ServersOptions {
  /** Nodes that are broker and controller; 3 by default, 0 for none. */
  readonly kafka?: number;
  /** DataNodes beside the one NameNode; 3 by default, 0 for no HDFS. */
  readonly datanodes?: number;
  /** Nodes; 3 by default, 0 for none. */
  readonly elasticsearch?: number;
  /**
   * Folder of all data, kept at the end; an existing one is continued with its settings. By default
   * a temporary one, which is removed.
   */
  readonly data?: string;
  /**
   * Keep the temporary folder in memory (`/dev/shm`): as if each node had its own disk without
   * latency.
   */
  readonly inMemory?: boolean;
  /** Settings that override ours. */
  readonly overrides?: Overrides;
  /** Compile the servers' code fully: slower to start, faster to run. */
  readonly steady?: boolean;
}

const GUARD = new URL("./_guard.ts", import.meta.url).href;

/** File of the settings, in the data folder. */
const SETTINGS = "servers.json";

/** A set of servers. */
export class Servers implements AsyncDisposable {
  /** Nodes of Kafka. */
  readonly kafka: readonly ServerNode[];
  /** The NameNode, or none. */
  readonly namenodes: readonly ServerNode[];
  /** DataNodes. */
  readonly datanodes: readonly ServerNode[];
  /** Nodes of Elasticsearch. */
  readonly elasticsearch: readonly ServerNode[];
  /** Folder of all data. */
  readonly data: string;

  private constructor(data: string, specs: readonly NodeSpec[]) {
    this.data = data;
    const nodes = specs.map((spec) => new ServerNode(spec, `${data}/${spec.name}`));
    const named = (start: string) => nodes.filter(({ name }) => name.startsWith(start));
    this.kafka = named("kafka");
    this.namenodes = named("namenode");
    this.datanodes = named("datanode");
    this.elasticsearch = named("elasticsearch");
  }

  /** Opens the servers of a data folder, running or not. */
  static async open(data: string): Promise<Servers> {
    const text = await Deno.readTextFile(`${data}/${SETTINGS}`).catch((cause) => {
      throw new PipelineError("not_found", `There are no servers in ${data}`, { cause });
    });
    const settings: Settings = JSON.parse(text);
    const kafka = prepareKafka(data, settings);
    const hdfs = prepareHdfs(data, settings);
    const elasticsearch = prepareElasticsearch(data, settings);
    // Concurrently: downloads and formatting take longest.
    const prepared = await Promise.all([kafka, hdfs, elasticsearch]);
    const [brokers, { namenodes, datanodes }, searchers] = prepared;
    return new Servers(data, [...brokers, ...namenodes, ...datanodes, ...searchers]);
  }

  /** All nodes. */
  get nodes(): readonly ServerNode[] {
    return [...this.kafka, ...this.namenodes, ...this.datanodes, ...this.elasticsearch];
  }

  /** Starts all nodes that do not run, concurrently. Resolves once everything answers. */
  async start(): Promise<void> {
    const idle = this.nodes.filter((node) => !node.runs);
    for (const node of idle) node.spawn();
    await Promise.all(idle.map((node) => node.ready()));
    await this.#joined();
  }

  /** Waits until all nodes of Elasticsearch have joined one cluster. */
  async #joined(): Promise<void> {
    const [first] = this.elasticsearch;
    if (first === undefined) return;
    const nodes = this.elasticsearch.length;
    const url = `http://${first.endpoint}/_cluster/health?wait_for_nodes=${nodes}&timeout=60s`;
    const response = await fetch(url, { signal: AbortSignal.timeout(70_000) });
    const { timed_out } = await response.json();
    if (timed_out === false) return;
    throw new PipelineError(
      "unavailable",
      `Not all ${nodes} nodes of Elasticsearch found together`,
    );
  }

  /** Ends all processes, in order where they end on request. */
  async stop(): Promise<void> {
    for (const node of this.nodes) node.resume();
    // DataNodes before their NameNode, to which they would reconnect.
    await Promise.all(this.datanodes.map((node) => node.kill("SIGTERM")));
    const others = this.nodes.filter((node) => !this.datanodes.includes(node));
    // Ending these gracefully has no benefit: each must survive kill -9.
    await Promise.all(others.map((node) => node.kill("SIGKILL")));
  }

  /** Ends all processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Stores in a folder the settings of its servers, unless it has some already. */
export async function settle(data: string, options: ServersOptions): Promise<void> {
  await Deno.mkdir(data, { recursive: true });
  if (await exists(`${data}/${SETTINGS}`)) return;
  const { kafka = 3, datanodes = 3, elasticsearch = 3, overrides = {}, steady = false } = options;
  const namenodes = datanodes > 0 ? 1 : 0;
  const more = 3 * datanodes + 2 * kafka;
  const ports = freePorts(2 * (kafka + namenodes + elasticsearch) + more);
  const take = (count: number, rpc = false): Ports[] =>
    Array.from({ length: count }, () => ({
      client: ports.pop()!,
      internal: ports.pop()!,
      ...(rpc ? { rpc: ports.pop()! } : {}),
    }));
  const settings: Settings = {
    version: 1,
    steady,
    kafka: take(kafka).map((broker) => ({ ...broker, behind: ports.pop()!, proxy: ports.pop()! })),
    namenodes: take(namenodes),
    datanodes: take(datanodes, true),
    elasticsearch: take(elasticsearch),
    overrides,
  };
  await Deno.writeTextFile(`${data}/${SETTINGS}`, JSON.stringify(settings, undefined, 2));
}

/**
 * Starts servers that end with this process, however it ends.
 *
 * @returns the servers once all answer; dispose of them to end them.
 */
export async function startServers(options: ServersOptions = {}): Promise<Servers> {
  const { inMemory = false } = options;
  const data = options.data ??
    await Deno.makeTempDir({ prefix: "servers-", ...inMemory ? { dir: "/dev/shm" } : {} });
  await settle(data, options);
  const servers = await Servers.open(await Deno.realPath(data));
  const guard = watchOver(servers.data, { remove: options.data === undefined });
  const ended = async () => {
    await servers.stop();
    await guard.end();
  };
  try {
    await servers.start();
  } catch (error) {
    await ended();
    throw error;
  }
  return Object.assign(servers, { [Symbol.asyncDispose]: ended });
}

/**
 * A process that waits for the end of this one, by the pipe between them, and then ends the servers
 * whose `pid` files are in the folder: a killed process leaves nothing behind.
 */
export function watchOver(
  data: string,
  { remove }: { readonly remove: boolean },
): { end(): Promise<void> } {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", "--no-check", "--no-config", "--quiet", GUARD, data],
      ...remove ? ["remove"] : [],
    ],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  return {
    async end() {
      // Otherwise nothing would be pending, and the program would end here.
      child.ref();
      await child.stdin.close();
      await child.status;
    },
  };
}
