/**
 * Real servers for tests, benchmarks and trying the jobs without a cluster.
 *
 * @module
 */

export { readArtifacts } from "./artifacts.ts";
export { cacheFolder, makeOnce } from "./_cache.ts";
export { command } from "./command.ts";
export { debianPackage } from "./_debian.ts";
export { elasticsearchHome } from "./_elasticsearch_home.ts";
export { fetchWheel, installPackage, zip } from "./_install.ts";
export { jars } from "./jars.ts";
export type { Java } from "./java.ts";
export { provideJava } from "./provide.ts";
export { freePorts, type Overrides } from "./_settings.ts";
export {
  JAVA_FLAGS as ELASTICSEARCH_FLAGS,
  LOGGING as ELASTICSEARCH_LOGGING,
} from "./elasticsearch.ts";
export { JAVA_FLAGS as HDFS_FLAGS, LOGGING as HDFS_LOGGING, webFolders } from "./hdfs.ts";
export { kafkaTool, LOGGING as KAFKA_LOGGING } from "./kafka.ts";
export { type NodeSpec, type Proxied, ServerNode } from "./node.ts";
export { writePid } from "./process.ts";
export { prometheus, prometheusVersion, promtool } from "./_prometheus.ts";
export { Servers, type ServersOptions, startServers } from "./servers.ts";
export { SHARED, sharedServers } from "./shared.ts";
