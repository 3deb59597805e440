/**
 * HDFS: a NameNode and DataNodes, accessed over WebHDFS.
 *
 * @module
 */

import { exists } from "./_cache.ts";
import { command } from "./command.ts";
import { provideJava } from "./provide.ts";
import { jars } from "./jars.ts";
import { javaFlags, local, type Ports, type Settings } from "./_settings.ts";
import type { NodeSpec } from "./node.ts";

/** Megabytes of heap per node. */
const HEAP = 256;

/** The user that the servers run as, with all permissions. */
const USER = "hdfs";

/** `log4j.properties`: everything to standard output. */
export const LOGGING: string = `log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
`;

/** Flags of Java: Hadoop reflects into these packages, which are closed otherwise. */
export const JAVA_FLAGS: readonly string[] = [
  "java.lang",
  "java.lang.reflect",
  "java.io",
  "java.util",
  "sun.nio.ch",
]
  .flatMap((name) => ["--add-opens", `java.base/${name}=ALL-UNNAMED`]);

const SERVER = "org.apache.hadoop.hdfs.server";

/** The nodes of a file system. */
export interface HdfsSpecs {
  readonly namenodes: NodeSpec[];
  readonly datanodes: NodeSpec[];
}

/**
 * Prepares the nodes' folders below `data`, formats a new NameNode, and returns how to start them.
 */
export async function prepareHdfs(data: string, settings: Settings): Promise<HdfsSpecs> {
  const [namenode] = settings.namenodes;
  if (namenode === undefined) return { namenodes: [], datanodes: [] };
  const { home } = await provideJava(17, { for: "HDFS" });
  const java = `${home}/bin/java`;
  const conf = `${data}/hdfs-conf`;
  await writeConfiguration(conf, data, settings, namenode);
  const classpath = `${conf}:${await webFolders(data)}:${await jars("hdfs")}/*`;
  const env = { HADOOP_USER_NAME: USER };
  const run = [java, ...javaFlags(HEAP, settings.steady), ...JAVA_FLAGS, "-cp", classpath];
  const folder = `${data}/namenode`;
  await Deno.mkdir(folder, { recursive: true });
  // Only once: a folder with `current` holds a file system.
  if (!await exists(`${folder}/name/current`)) {
    await command(java, [
      ...[...run.slice(1), `${SERVER}.namenode.NameNode`],
      ...["-format", "-nonInteractive"],
    ], { env });
  }
  const datanodes = settings.datanodes.map((ports, i) => datanode({ data, run, env, ports, i }));
  for (const { name } of datanodes) await Deno.mkdir(`${data}/${name}`, { recursive: true });
  return {
    namenodes: [{
      name: "namenode",
      endpoint: local(namenode.client),
      command: [...run, `${SERVER}.namenode.NameNode`],
      env,
      answers: () => isOpen(local(namenode.client)),
    }],
    datanodes: datanodes.map((spec, i) => ({
      ...spec,
      answers: () => isLive(local(namenode.client), settings.datanodes[i]!.internal),
    })),
  };
}

function datanode(
  { data, run, env, ports, i }: {
    readonly data: string;
    readonly run: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly ports: Ports;
    readonly i: number;
  },
): Omit<NodeSpec, "answers"> {
  const name = `datanode-${i + 1}`;
  return {
    name,
    endpoint: local(ports.client),
    command: [
      ...[...run, `${SERVER}.datanode.DataNode`],
      `-Ddfs.datanode.data.dir=file://${data}/${name}/blocks`,
      `-Ddfs.datanode.address=${local(ports.internal)}`,
      `-Ddfs.datanode.http.address=${local(ports.client)}`,
      `-Ddfs.datanode.ipc.address=${local(ports.rpc!)}`,
      "-Ddfs.datanode.hostname=127.0.0.1",
    ],
    env,
  };
}

async function writeConfiguration(
  conf: string,
  data: string,
  { datanodes, overrides }: Settings,
  namenode: Ports,
): Promise<void> {
  await Deno.mkdir(conf, { recursive: true });
  await Deno.writeTextFile(`${conf}/log4j.properties`, LOGGING);
  const core = {
    "fs.defaultFS": `hdfs://${local(namenode.internal)}`,
    "hadoop.prometheus.endpoint.enabled": "true",
    "hadoop.http.staticuser.user": USER,
    "hadoop.tmp.dir": `${data}/hdfs-tmp`,
  };
  const hdfs = {
    "dfs.replication": String(Math.min(3, Math.max(1, datanodes.length))),
    "dfs.namenode.name.dir": `file://${data}/namenode/name`,
    "dfs.namenode.rpc-address": local(namenode.internal),
    "dfs.namenode.http-address": local(namenode.client),
    "dfs.namenode.datanode.registration.ip-hostname-check": "false",
    "dfs.client.use.datanode.hostname": "false",
    "dfs.permissions.superusergroup": USER,
    // A lost DataNode gets no new blocks after 3 s, and counts as dead after 14 s.
    "dfs.heartbeat.interval": "1",
    "dfs.namenode.heartbeat.recheck-interval": "2000",
    "dfs.namenode.stale.datanode.interval": "3000",
    "dfs.namenode.avoid.read.stale.datanode": "true",
    "dfs.namenode.avoid.write.stale.datanode": "true",
    "dfs.namenode.safemode.extension": "500",
    // With three nodes there is no fourth to replace a dead one.
    "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
    ...overrides.hdfs,
  };
  await Deno.writeTextFile(`${conf}/core-site.xml`, toXml(core));
  await Deno.writeTextFile(`${conf}/hdfs-site.xml`, toXml(hdfs));
}

/** Folders for the web pages, which Maven's jars lack, but without which no HTTP server starts. */
export async function webFolders(data: string): Promise<string> {
  const root = `${data}/hdfs-web`;
  for (const name of ["hdfs", "datanode"]) {
    await Deno.mkdir(`${root}/webapps/${name}/WEB-INF`, { recursive: true });
    await Deno.writeTextFile(
      `${root}/webapps/${name}/WEB-INF/web.xml`,
      `<web-app xmlns="http://java.sun.com/xml/ns/javaee" version="2.4"/>\n`,
    );
  }
  return root;
}

function toXml(properties: Readonly<Record<string, string>>): string {
  const lines = Object.entries(properties).map(([name, value]) =>
    `<property><name>${name}</name><value>${value.replaceAll("&", "&amp;")}</value></property>\n`
  );
  return `<configuration>\n${lines.join("")}</configuration>\n`;
}

/** Whether the NameNode has left safe mode, which requires the DataNodes that hold blocks. */
async function isOpen(namenode: string): Promise<boolean> {
  return (await nameNodeInfo(namenode)).Safemode === "";
}

/** Whether the NameNode has just heard from a DataNode, identified by its data transfer port. */
async function isLive(namenode: string, port: number): Promise<boolean> {
  const { LiveNodes } = await nameNodeInfo(namenode);
  const live: Record<string, { readonly xferaddr: string; readonly lastContact: number }> = JSON
    .parse(LiveNodes);
  return Object.values(live).some(({ xferaddr, lastContact }) =>
    xferaddr === local(port) && lastContact <= 2
  );
}

interface NameNodeInfo {
  /** Empty if it is off, else the reason why it is on. */
  readonly Safemode: string;
  /** JSON: information on each live DataNode, by name. */
  readonly LiveNodes: string;
}

async function nameNodeInfo(namenode: string): Promise<NameNodeInfo> {
  const url = `http://${namenode}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const { beans } = await response.json();
  if (beans.length !== 1) throw new Error("The NameNode is starting");
  return beans[0];
}
