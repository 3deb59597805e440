/**
 * Elasticsearch: nodes of one cluster, without security, which Maven's artifacts lack.
 *
 * @module
 */

import { elasticsearchHome } from "./_elasticsearch_home.ts";
import { provideJava } from "./provide.ts";
import { javaFlags, local, type Settings } from "./_settings.ts";
import type { NodeSpec } from "./node.ts";

/** Megabytes of heap a node. */
const HEAP = 512;

/** `log4j2.properties`: everything to standard output. */
export const LOGGING: string = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1.}: %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;

/** Flags of Java with which the distribution starts its server, besides the launcher. */
export const JAVA_FLAGS: readonly string[] = [
  ...["-Dlog4j2.disable.jmx=true", "-Dlog4j.shutdownHookEnabled=false"],
  ...["-Dio.netty.noUnsafe=true", "-Dio.netty.noKeySetOptimization=true"],
  // Without what the distribution has for vectors, native code and a module, which nothing here uses.
  "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
  "-Des.distribution.type=tar",
  "--add-modules=jdk.net,jdk.management.agent",
  "--add-modules=ALL-MODULE-PATH",
  "--enable-native-access=org.elasticsearch.nativeaccess,org.elasticsearch.foreign," +
  "org.elasticsearch.simdvec,org.apache.lucene.core,ALL-UNNAMED",
];

/** Prepares the nodes' folders below `data` and says how they start. */
export async function prepareElasticsearch(data: string, settings: Settings): Promise<NodeSpec[]> {
  const { elasticsearch: nodes, overrides, steady } = settings;
  if (nodes.length === 0) return [];
  const java = await provideJava(21, { for: "Elasticsearch" });
  const home = await elasticsearchHome(java);
  const names = nodes.map((_, i) => `elasticsearch-${i + 1}`);
  return await Promise.all(nodes.map(async ({ client, internal }, i): Promise<NodeSpec> => {
    const name = names[i]!;
    const folder = `${data}/${name}`;
    await Deno.mkdir(`${folder}/conf`, { recursive: true });
    await Deno.writeTextFile(`${folder}/conf/log4j2.properties`, LOGGING);
    const properties = {
      "cluster.name": "reddit-pipeline-servers",
      "node.name": name,
      "path.data": `${folder}/data`,
      "path.logs": `${folder}/logs`,
      "network.host": "127.0.0.1",
      "http.port": String(client),
      "transport.port": String(internal),
      "discovery.seed_hosts": JSON.stringify(nodes.map((node) => local(node.internal))),
      "cluster.initial_master_nodes": JSON.stringify(names),
      // A node that is gone is noticed in seconds, and its copies are made anew at once.
      "cluster.fault_detection.follower_check.timeout": "3s",
      "cluster.fault_detection.leader_check.timeout": "3s",
      // Test machines have full disks that are no concern of ours.
      "cluster.routing.allocation.disk.threshold_enabled": "false",
      ...overrides.elasticsearch,
    };
    const lines = Object.entries(properties).map(([key, value]) => `${key}: ${value}\n`);
    await Deno.writeTextFile(`${folder}/conf/elasticsearch.yml`, lines.join(""));
    return {
      name,
      endpoint: local(client),
      command: [
        ...[`${java.home}/bin/java`, ...javaFlags(HEAP, steady), `-Des.path.home=${home}`],
        ...[...JAVA_FLAGS, "--module-path", `${home}/jars`, "-cp", `${home}/launcher`],
        ...["Launcher", home, `${folder}/conf`],
      ],
      answers: () => joined(local(client)),
    };
  }));
}

/** Whether the node is in a cluster that has a master and no index that is red. */
async function joined(endpoint: string): Promise<boolean> {
  const response = await fetch(`http://${endpoint}/_cluster/health?timeout=2s`, {
    signal: AbortSignal.timeout(5_000),
  });
  const { status, timed_out } = await response.json();
  return response.ok && timed_out === false && status !== "red";
}
