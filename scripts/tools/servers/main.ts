/**
 * Real servers from the command line.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { errorText, exitCode, integer, parseCommandLine, text } from "@pipeline/runtime";
import { z } from "zod";
import { writeLock } from "./jars.ts";
import { Servers, settle } from "./servers.ts";

const data = text().prefault("./data/servers").describe("Folder of the servers' data.");

const count = (what: string) => integer({ min: 0, max: 9 }).prefault(3).describe(what);

const program = {
  name: "servers",
  summary: "Real Kafka, HDFS and Elasticsearch as processes on this machine, on loopback.",
  commands: {
    up: {
      summary: "Start the servers that do not run. The counts of the first start stay fixed.",
      flags: z.strictObject({
        kafka: count("Kafka nodes, each a broker and controller; 0 for none."),
        datanodes: count("HDFS DataNodes beside the NameNode; 0 for no HDFS."),
        elasticsearch: count("Elasticsearch nodes; 0 for none."),
        data,
      }),
    },
    down: {
      summary: "Stop the servers and delete their data.",
      flags: z.strictObject({
        data,
        keep: z.boolean().default(false).describe("Keep their data."),
      }),
    },
    status: {
      summary: "Show a line for each node, and the endpoints for clients.",
      flags: z.strictObject({ data }),
    },
    config: {
      summary: "Print the servers' endpoints as JSON, in the form of the jobs' configuration.",
      flags: z.strictObject({
        data,
        only: z.array(z.enum(["kafka", "hdfs", "elasticsearch"])).optional()
          .describe("Servers of a job; all if not given."),
      }),
    },
    lock: {
      summary: "Fetch the jars of the Chartfile's versions again and write maven.lock.",
      flags: z.strictObject({}),
    },
  },
};

async function main(args: readonly string[]): Promise<number> {
  const line = parseCommandLine(program, args);
  switch (line.command) {
    case "help":
      console.log(line.text);
      return 0;
    case "lock":
      await writeLock();
      return 0;
    case "up": {
      const { data: folder, ...counts } = line.flags;
      await settle(folder, counts);
      const servers = await Servers.open(await Deno.realPath(folder));
      try {
        await servers.start();
      } catch (error) {
        await servers.stop();
        throw error;
      }
      report(servers);
      console.log(`\nStop them with: scripts/servers down --data ${folder}`);
      return 0;
    }
    case "down": {
      const folder = await Deno.realPath(line.flags.data).catch(() => undefined);
      if (folder === undefined) {
        throw new PipelineError("invalid", `There are no servers in ${line.flags.data}`);
      }
      await (await Servers.open(folder)).stop();
      if (!line.flags.keep) await Deno.remove(folder, { recursive: true });
      return 0;
    }
    case "config": {
      const folder = await Deno.realPath(line.flags.data).catch(() => line.flags.data);
      const { only } = line.flags;
      const sections = Object.entries(configOf(await Servers.open(folder)))
        .filter(([name]) => only?.some((wanted) => wanted === name) ?? true);
      console.log(JSON.stringify(Object.fromEntries(sections), undefined, 2));
      return 0;
    }
    case "status": {
      const folder = await Deno.realPath(line.flags.data).catch(() => line.flags.data);
      const servers = await Servers.open(folder);
      report(servers);
      return servers.nodes.every((node) => node.runs) ? 0 : 1;
    }
  }
}

/** Sections of a job's configuration. */
function configOf({ kafka, namenodes, elasticsearch }: Servers): Record<string, unknown> {
  const urls = (nodes: Servers["nodes"]) => nodes.map(({ endpoint }) => `http://${endpoint}`);
  const copies = Math.min(3, kafka.length);
  return {
    ...kafka.length === 0 ? {} : {
      kafka: {
        brokers: kafka.map(({ endpoint }) => endpoint),
        replication: copies,
        minInsyncReplicas: Math.min(2, copies),
      },
    },
    ...namenodes.length === 0 ? {} : { hdfs: { namenodes: urls(namenodes), user: "hdfs" } },
    ...elasticsearch.length === 0 ? {} : {
      elasticsearch: {
        nodes: urls(elasticsearch),
        replicas: Math.min(2, elasticsearch.length - 1),
      },
    },
  };
}

function report(servers: Servers): void {
  for (const { name, endpoint, runs, pid } of servers.nodes) {
    console.log(
      `${name.padEnd(16)} ${endpoint.padEnd(16)} ${runs ? `pid ${pid}` : "does not run"}`,
    );
  }
  const list = (nodes: Servers["nodes"], scheme: string) =>
    nodes.map(({ endpoint }) => `${scheme}${endpoint}`).join(",");
  console.log();
  if (servers.kafka.length > 0) console.log(`Kafka          ${list(servers.kafka, "")}`);
  if (servers.namenodes.length > 0) {
    console.log(`HDFS           ${list(servers.namenodes, "http://")} (user hdfs)`);
  }
  if (servers.elasticsearch.length > 0) {
    console.log(`Elasticsearch  ${list(servers.elasticsearch, "http://")}`);
  }
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(errorText(error));
  Deno.exit(exitCode(error));
}
