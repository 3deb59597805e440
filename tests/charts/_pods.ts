/**
 * Pods of the servers as processes of this machine: what the charts render, with paths below a folder and ports that
 * are free, and names that Java finds where it is told to.
 *
 * @module
 */

import { find, type Manifest } from "@pipeline/tools/charts";
import {
  ELASTICSEARCH_FLAGS,
  elasticsearchHome,
  HDFS_FLAGS,
  jars,
  KAFKA_LOGGING,
  type NodeSpec,
  provideJava,
  webFolders,
} from "@pipeline/tools/servers";
import { assert } from "@std/assert";

/** A pod that becomes a process. */
export interface PodOptions {
  /** What the charts render. */
  readonly manifests: readonly Manifest[];
  /** Name of its StatefulSet. */
  readonly set: string;
  readonly ordinal: number;
  /** In place of the root file system. */
  readonly root: string;
  /** The pod's address. */
  readonly ip: string;
  /** Lines of `/etc/hosts`, the only names that there are. */
  readonly hosts: string;
  /** A port of the charts to the one that takes its place. */
  readonly ports: Readonly<Record<number, number>>;
  /** Changes a file of the pod's ConfigMaps. */
  readonly edit?: (name: string, text: string) => string;
  /** See {@linkcode NodeSpec}. */
  answers(): Promise<boolean>;
}

/** How the process starts. Writes its files. */
export async function podProcess(options: PodOptions): Promise<NodeSpec> {
  const { manifests, set, ordinal, root, ip, hosts, ports, edit, answers } = options;
  const moved = (text: string) => move(text, options);
  const pod = find(manifests, "StatefulSet", set).spec.template.spec;
  const [container] = pod.containers;
  for (const { name, mountPath } of container.volumeMounts) {
    await Deno.mkdir(root + mountPath, { recursive: true });
    const map = pod.volumes.find((volume: Manifest) => volume.name === name)?.configMap?.name;
    if (map === undefined) continue;
    for (const [file, text] of Object.entries(find(manifests, "ConfigMap", map).data)) {
      const changed = moved(text as string);
      await Deno.writeTextFile(`${root}${mountPath}/${file}`, edit?.(file, changed) ?? changed);
    }
  }
  await Deno.writeTextFile(`${root}/etc/hosts`, hosts);
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": `${set}-${ordinal}`,
    "status.podIP": ip,
  };
  const env = container.env.map(({ name, value, valueFrom }: Manifest) => {
    const field = fields[valueFrom?.fieldRef.fieldPath];
    assert(value !== undefined || field !== undefined, name);
    return [name, value === undefined ? field : moved(String(value))];
  });
  const { home } = await provideJava(21, { for: "The servers" });
  return {
    name: fields["metadata.name"]!,
    endpoint: `[${ip}]:${Object.values(ports)[0]}`,
    command: container.command.map(moved),
    env: {
      ...Object.fromEntries(env),
      JAVA_HOME: home,
      // As all tools of Java have it, without a change of what is rendered.
      JDK_JAVA_OPTIONS: `-Djdk.net.hosts.file=${root}/etc/hosts`,
    },
    answers,
  };
}

const PATH =
  /(?<=^|[\s="'[{(<>:,]|file:\/\/)\/(opt|etc|hadoop|usr\/share|tmp|var|agent)(?=[/\s"'<$]|$)/gm;

function move(text: string, { root, ports }: Pick<PodOptions, "root" | "ports">): string {
  return text.replaceAll(PATH, `${root}/$1`)
    .replaceAll(/\b\d{4}\b/g, (port) => String(ports[Number(port)] ?? port));
}

/** Lays out below the root what the image of a server has: the stand-ins' scripts, and the jars that tests run. */
export async function layServer(server: "kafka" | "hdfs" | "elasticsearch", root: string) {
  const script = async (name: string, target: string) => {
    const text = await Deno.readTextFile(`scripts/offline/images/${name}.sh`);
    // The folder of its libraries is the one that all tests share.
    const changed = move(text, { root, ports: {} }).replace("lib/java.options", "java.options");
    await Deno.writeTextFile(target, changed, { mode: 0o755 });
  };
  const folder = async (path: string) => {
    await Deno.mkdir(root + path, { recursive: true });
    return root + path;
  };
  const agent = `${await folder("/agent")}/jmx-exporter.jar`;
  for await (const { name } of Deno.readDir(await jars("jmx-exporter"))) {
    await Deno.symlink(`${await jars("jmx-exporter")}/${name}`, agent);
  }
  if (server === "kafka") {
    await Deno.symlink(await jars("kafka"), `${await folder("/opt/kafka")}/libs`);
    const bin = await folder("/opt/kafka/bin");
    await script("kafka", `${bin}/kafka.sh`);
    for (const name of ["server-start", "storage", "topics"]) {
      await Deno.symlink("kafka.sh", `${bin}/kafka-${name}.sh`);
    }
    await Deno.writeTextFile(
      `${await folder("/opt/kafka/config")}/tools-log4j2.yaml`,
      KAFKA_LOGGING.replace("INFO", "WARN"),
    );
  } else if (server === "hdfs") {
    const share = await folder("/opt/hadoop/share/hadoop");
    await Deno.symlink(await jars("hdfs"), `${share}/lib`);
    await Deno.symlink(`${await webFolders(root)}/webapps`, `${share}/webapps`);
    await script("hdfs", `${await folder("/opt/hadoop/bin")}/hdfs`);
    await Deno.writeTextFile(
      `${await folder("/opt/hadoop/libexec")}/java.options`,
      HDFS_FLAGS.join("\n"),
    );
  } else {
    const home = await folder("/usr/share/elasticsearch");
    const made = await elasticsearchHome(await provideJava(21, { for: "it" }));
    for await (const { name } of Deno.readDir(made)) {
      await Deno.symlink(`${made}/${name}`, `${home}/${name}`);
    }
    await folder("/usr/share/elasticsearch/config");
    await script("elasticsearch", `${await folder("/usr/share/elasticsearch/bin")}/elasticsearch`);
    await Deno.writeTextFile(
      `${home}/java.options`,
      [`-Des.path.home=${home}`, ...ELASTICSEARCH_FLAGS].join("\n"),
    );
  }
}
