/**
 * One set of servers for many test files.
 *
 * @module
 */

import { Servers, startServers } from "./servers.ts";

/** The environment variable that names the data folder of servers that run. */
export const SHARED = "PIPELINE_SERVERS";

let own: Promise<Servers> | undefined;

/**
 * Three nodes of each server: those of the whole test run, else own ones that live as long as this
 * process. Call it outside of tests, so that no test is blamed for what stays open.
 *
 * What a test has killed before is started again.
 */
export async function sharedServers(): Promise<Servers> {
  const data = Deno.env.get(SHARED);
  if (data === undefined) return await (own ??= startServers());
  const servers = await Servers.open(data);
  await servers.start();
  return servers;
}
