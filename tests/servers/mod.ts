/**
 * Real servers for tests, benchmarks and whoever wants to try the jobs without a cluster.
 *
 * @module
 */

export { type Overrides } from "./_settings.ts";
export { kafkaTool } from "./kafka.ts";
export { type NodeSpec, type Proxied, ServerNode } from "./node.ts";
export { Servers, type ServersOptions, startServers } from "./servers.ts";
export { SHARED, sharedServers } from "./shared.ts";
