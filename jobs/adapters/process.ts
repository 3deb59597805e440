/**
 * The one place that opens the ports of jobs: on servers, or embedded ones instead.
 *
 * @module
 */

import {
  type Clock,
  type Closable,
  type CommandConfig,
  type Job,
  type JobSpec,
  type Logger,
  openAll,
  PORT_OF,
  type Ports,
  type PortsOn,
  runJob,
  type Server,
  type ServersOf,
  type Watched,
} from "@pipeline/runtime";
import type { Place, ServerConfigs } from "./config.ts";
import { openEmbedded } from "./embedded/mod.ts";

/** Options of a client, besides its configuration. */
export interface OpenOptions {
  /** Logs the clients' messages. */
  readonly logger?: Logger;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** Called for the clients' retries in the background. */
  readonly retry?: Watched;
}

/** Opens the port on each of the servers. */
export type Openers<N extends Server> = {
  readonly [S in N]: (
    config: ServerConfigs[S],
    options: OpenOptions,
  ) => PortOn<S> | Promise<PortOn<S>>;
};

/** The port on a server. */
export type PortOn<S extends Server> = Ports[(typeof PORT_OF)[S]];

/** Opens the ports on the servers, or embedded ones if so configured. */
export async function openPorts<N extends Server>(
  servers: readonly N[],
  place: Place<N>,
  { openers, ...options }: OpenOptions & { readonly openers: Openers<N> },
): Promise<PortsOn<N> & Closable> {
  const { embedded } = place;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  const opening = servers.map((server) => {
    const config = place[server] as ServerConfigs[N];
    return [PORT_OF[server], () => openers[server](config, options)] as const;
  });
  return await openAll(Object.fromEntries(opening)) as PortsOn<N> & Closable;
}

/** The process's environment, which only its `main.ts` may touch. */
export interface Process<C> {
  /** Arguments and environment. */
  readonly Deno: {
    readonly args: readonly string[];
    readonly env: { toObject(): Record<string, string> };
  };
  /** Standard output and error. */
  readonly console: Pick<Console, "log" | "error">;
  /** Opens what a command is given beside its ports. */
  readonly beside?: (job: Job<C>) => Readonly<Record<string, Closable>>;
}

/**
 * Runs a job as a process.
 *
 * @param openers of its servers only: a program contains no client that its job does not need.
 * @returns the exit code.
 */
export function runProcess<C extends CommandConfig & Place<ServersOf<C>>>(
  spec: JobSpec<C>,
  openers: Openers<ServersOf<C>>,
  { Deno: host, console: lines, beside = () => ({}) }: Process<C>,
): Promise<number> {
  return runJob(spec, {
    args: host.args,
    env: host.env.toObject(),
    print: lines.log,
    printError: lines.error,
    open: async (servers, job) => {
      const ports = await openPorts(servers, job.config, { ...job, openers });
      const others = beside(job);
      const closing = { ...others, ports };
      const close = async () => {
        await Promise.all(Object.values(closing).map((one) => one.close()));
      };
      return { ...ports, ...others, close };
    },
  });
}
