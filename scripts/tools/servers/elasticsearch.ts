/**
 * Elasticsearch: nodes of one cluster, without security, which Maven's artifacts lack.
 *
 * @module
 */

import { elasticsearchHome } from "./_elasticsearch_home.ts";
import { provideJava } from "./provide.ts";
import { javaFlags, local, type Settings } from "./_settings.ts";
import type { NodeSpec } from "./node.ts";

/** Megabytes of heap per node. */
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

/** Flags of Java as in the distribution, except for the launcher. */
export const JAVA_FLAGS: readonly string[] = [
  ...["-Dlog4j2.disable.jmx=true", "-Dlog4j.shutdownHookEnabled=false"],
  ...["-Dio.netty.noUnsafe=true", "-Dio.netty.noKeySetOptimization=true"],
  // Without the distribution's vector code, native code and a module, which are not used here.
  "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
  "-Des.distribution.type=tar",
  "--add-modules=jdk.net,jdk.management.agent",
  "--add-modules=ALL-MODULE-PATH",
  "--enable-native-access=org.elasticsearch.nativeaccess,org.elasticsearch.foreign," +
  "org.elasticsearch.simdvec,org.apache.lucene.core,ALL-UNNAMED",
];

/** Prepares the nodes' folders below `data` and returns how to start them. */
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
      // A lost node is noticed in seconds, and its replicas are recreated at once.
      "cluster.fault_detection.follower_check.timeout": "3s",
      "cluster.fault_detection.leader_check.timeout": "3s",
      // A test machine's full disk does not matter here.
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

/** Whether the node has joined a cluster with a master and without red indices. */
async function joined(endpoint: string): Promise<boolean> {
  const response = await fetch(`http://${endpoint}/_cluster/health?timeout=2s`, {
    signal: AbortSignal.timeout(5_000),
  });
  const { status, timed_out } = await response.json();
  return response.ok && timed_out === false && status !== "red";
}
