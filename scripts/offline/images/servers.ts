/**
 * Stand-ins for the official images of Kafka, HDFS and Elasticsearch, for machines without a
 * registry: the same paths, users and calls, from the artifacts that tests run as processes.
 * Programs, libraries and Java are those of this machine.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import {
  cacheFolder,
  command,
  ELASTICSEARCH_FLAGS,
  ELASTICSEARCH_LOGGING,
  elasticsearchHome,
  HDFS_FLAGS,
  HDFS_LOGGING,
  jars,
  type Java,
  KAFKA_LOGGING,
  makeOnce,
  provideJava,
  readArtifacts,
  webFolders,
} from "../../tools/servers/mod.ts";
import { hashFiles, hashText, labels, type Recipe } from "../../tools/images/build.ts";
import { copyInto, copyLibraries, makeRoot } from "../../tools/images/root.ts";

/** Servers with a stand-in, by the repositories of the official images. */
export const SERVERS = ["kafka", "hadoop", "elasticsearch"] as const;

/** A server with a stand-in. */
export type ServerName = (typeof SERVERS)[number];

/** Programs for the scripts of pods, and for people who inspect one. */
const PROGRAMS = (
  "basename bash cat chmod cp cut date df dirname du env expr find grep head hostname id kill ln ls mkdir mktemp " +
  "mv nproc ps readlink rm rmdir sed seq sleep sort stat tail tee test timeout touch tr uname uniq wc"
).split(" ");

/**
 * Parts of a JDK that no server loads: sources, data of older releases, archives for unusual heaps.
 */
const UNUSED = [
  ...["include", "man", "demo", "jmods", "lib/src.zip", "lib/ct.sym"],
  ...["nocoops", "nocoops_coh", "coh"].map((name) => `lib/server/classes_${name}.jsa`),
];

const JAVA_HOME = "/opt/java/openjdk";

/** The users of the official images. */
const USERS = [
  { name: "server", id: 1000 },
  { name: "hadoop", id: 1001 },
];

const KAFKA_SCRIPTS = [
  ...["server-start", "storage", "topics", "configs", "consumer-groups", "get-offsets"],
  ...[
    "broker-api-versions",
    "metadata-quorum",
    "reassign-partitions",
    "leader-election",
    "run-class",
  ],
].map((name) => `kafka-${name}.sh`);

/** The differences between the servers. */
interface ServerSpec {
  /** Its name in the Chartfile. */
  readonly jarSet: "kafka" | "hdfs" | "elasticsearch";
  readonly cmd: readonly string[];
  readonly workdir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Fills the root file system. */
  lay(root: string, java: Java): Promise<void>;
}

const SPECS: Readonly<Record<ServerName, ServerSpec>> = {
  kafka: {
    jarSet: "kafka",
    cmd: ["/opt/kafka/bin/kafka-server-start.sh", "/opt/kafka/config/server.properties"],
    workdir: "/opt/kafka",
    lay: async (root) => {
      const home = `${root}/opt/kafka`;
      await copyFolder(await jars("kafka"), `${home}/libs`);
      await copyScript("kafka.sh", `${home}/bin/kafka.sh`);
      for (const name of KAFKA_SCRIPTS) await Deno.symlink("kafka.sh", `${home}/bin/${name}`);
      await writeFile(`${home}/config/log4j2.yaml`, KAFKA_LOGGING);
      // A tool's output must not be mixed with its log.
      const tools = KAFKA_LOGGING.replace("INFO", "WARN").replace(
        "name: STDOUT",
        "name: STDOUT, target: SYSTEM_ERR",
      );
      await writeFile(`${home}/config/tools-log4j2.yaml`, tools);
    },
  },
  hadoop: {
    jarSet: "hdfs",
    cmd: ["/opt/hadoop/bin/hdfs", "namenode"],
    workdir: "/opt/hadoop",
    env: { HADOOP_HOME: "/opt/hadoop", HADOOP_CONF_DIR: "/opt/hadoop/etc/hadoop" },
    lay: async (root) => {
      const home = `${root}/opt/hadoop`;
      await copyFolder(await jars("hdfs"), `${home}/share/hadoop/lib`);
      const scratch = await Deno.makeTempDir();
      await copyFolder(`${await webFolders(scratch)}/webapps`, `${home}/share/hadoop/webapps`);
      await Deno.remove(scratch, { recursive: true });
      await copyScript("hdfs.sh", `${home}/bin/hdfs`);
      await writeFile(`${home}/libexec/java.options`, options(HDFS_FLAGS));
      await writeFile(`${home}/etc/hadoop/log4j.properties`, HDFS_LOGGING);
    },
  },
  elasticsearch: {
    jarSet: "elasticsearch",
    cmd: ["/usr/share/elasticsearch/bin/elasticsearch"],
    workdir: "/usr/share/elasticsearch",
    lay: async (root, java) => {
      const home = `${root}/usr/share/elasticsearch`;
      await copyFolder(await elasticsearchHome(java), home);
      await copyScript("elasticsearch.sh", `${home}/bin/elasticsearch`);
      await writeFile(
        `${home}/lib/java.options`,
        options(["-Des.path.home=/usr/share/elasticsearch", ...ELASTICSEARCH_FLAGS]),
      );
      await writeFile(`${home}/config/log4j2.properties`, ELASTICSEARCH_LOGGING);
      await writeFile(`${home}/config/elasticsearch.yml`, "network.host: 0.0.0.0\n");
      for (const name of ["data", "logs"]) await Deno.mkdir(`${home}/${name}`);
    },
  },
};

/** The recipe of a stand-in. */
export async function serverRecipe(name: ServerName): Promise<Recipe> {
  const { jarSet, cmd, workdir, env, lay } = SPECS[name];
  const { [jarSet]: { version } } = await readArtifacts();
  const java = await provideJava(21, { for: "The stand-ins' Java" });
  const programs = await findPrograms();
  const [lock, hashes] = [await Deno.readTextFile(LOCK), await hashFiles(programs)];
  const script = new URL(`./${jarSet}.sh`, import.meta.url);
  const base = JSON.stringify([hashes, java, await Deno.readTextFile(`${java.home}/release`)]);
  return {
    name,
    reference: `reddit-pipeline/${name}:${version}`,
    inputs: [base, lock, await Deno.readTextFile(script)],
    config: {
      user: "1000:1000",
      cmd,
      workdir,
      env: { JAVA_HOME, LANG: "C.UTF-8", ...env },
      labels: labels(name, `Stand-in for the official image of ${name}, for tests`, version),
    },
    layers: async (folder) => {
      await lay(`${folder}/root`, java);
      const own = { folder: `${folder}/root`, owner: 1000 };
      return [{ folder: await systemFolder(base, { java, programs }) }, own];
    },
  };
}

const LOCK = new URL("../../tools/servers/maven.lock", import.meta.url);

/** The layer shared by all servers: programs, libraries, Java. */
async function systemFolder(
  key: string,
  { java, programs }: { readonly java: Java; readonly programs: readonly string[] },
): Promise<string> {
  const target = `${cacheFolder("images")}/system-${(await hashText(key)).slice(0, 16)}`;
  return await makeOnce(target, async (root) => {
    await makeRoot(root, USERS);
    for (const path of programs) await copyInto(root, path);
    await Deno.symlink("bash", `${root}/usr/bin/sh`);
    const home = `${root}${JAVA_HOME}`;
    await Deno.mkdir(home.slice(0, home.lastIndexOf("/")), { recursive: true });
    // Its links point outside of it.
    await command("cp", ["-RL", java.home, home]);
    for (const path of UNUSED) {
      await Deno.remove(`${home}/${path}`, { recursive: true }).catch(() => {});
    }
    await copyLibraries(root, [...programs, `${home}/bin/java`, ...await javaLibraries(home)]);
  });
}

/** The libraries of Java that a server loads; the others are for graphics. */
async function javaLibraries(home: string): Promise<string[]> {
  const names =
    "java jli net nio zip jimage verify management management_ext extnet instrument attach jaas";
  const paths = [
    `${home}/lib/server/libjvm.so`,
    ...names.split(" ").map((name) => `${home}/lib/lib${name}.so`),
  ];
  const there = await Promise.all(paths.map((path) => Deno.stat(path).catch(() => undefined)));
  return paths.filter((_, i) => there[i] !== undefined);
}

async function findPrograms(): Promise<string[]> {
  return await Promise.all(PROGRAMS.map(async (name) => {
    for (const folder of ["/usr/bin", "/bin"]) {
      const path = `${folder}/${name}`;
      if ((await Deno.stat(path).catch(() => undefined))?.isFile) return path;
    }
    throw new PipelineError("invalid", `The stand-ins need the program ${name} of this machine`);
  }));
}

function options(flags: readonly string[]): string {
  return flags.map((flag) => `${flag}\n`).join("");
}

async function copyScript(name: string, target: string): Promise<void> {
  await writeFile(target, await Deno.readTextFile(new URL(`./${name}`, import.meta.url)));
  await Deno.chmod(target, 0o755);
}

async function copyFolder(from: string, target: string): Promise<void> {
  await Deno.mkdir(target, { recursive: true });
  await command("cp", ["-R", `${from}/.`, target]);
}

async function writeFile(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}
