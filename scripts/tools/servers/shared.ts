/**
 * One set of servers for many test files.
 *
 * @module
 */

import { Servers, startServers } from "./servers.ts";

/** The environment variable with the data folder of running servers. */
export const SHARED = "PIPELINE_SERVERS";

let own: Promise<Servers> | undefined;

/**
 * Three nodes of each server: those of the whole test run, else new ones that live as long as this
 * process. Call it outside of tests, so that no test is blamed for leaked resources.
 *
 * Nodes that an earlier test has killed are restarted.
 */
export async function sharedServers(): Promise<Servers> {
  const data = Deno.env.get(SHARED);
  if (data === undefined) return await (own ??= startServers());
  const servers = await Servers.open(data);
  await servers.start();
  return servers;
}
