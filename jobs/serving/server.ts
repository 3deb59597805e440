/**
 * Listens for requests.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { type Logger, systemClock } from "@pipeline/runtime";
import type { App } from "./app.ts";

/** Where to listen. */
export interface ServeOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 takes any that is free. */
  readonly port: number;
  /** Takes failures. */
  readonly log?: Logger;
}

/** A server that listens. */
export interface RunningServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Ends streams, lets the answers under way finish for a few seconds, then stops. */
  stop(): Promise<void>;
}

/** Milliseconds that answers may take to reach slow clients once the server stops. */
const DRAIN = 5000;

/**
 * Starts to listen.
 *
 * @throws {PipelineError} `invalid` where the port is in use or not permitted.
 */
export function serve(app: App, options: ServeOptions): RunningServer {
  const { host, port, log } = options;
  const abort = new AbortController();
  const server = listen();
  return {
    port: server.addr.port,
    stop: async () => {
      await app.close();
      const timer = new AbortController();
      systemClock.sleep(DRAIN, timer.signal).then(() => abort.abort(), () => {});
      await server.shutdown();
      timer.abort();
      await server.finished;
    },
  };

  function listen(): Deno.HttpServer<Deno.NetAddr> {
    try {
      return Deno.serve({
        hostname: host,
        port,
        signal: abort.signal,
        onListen: () => {},
        onError: (error) => {
          log?.error("An answer failed", { error });
          return new Response(null, { status: 500 });
        },
      }, (request) => app.fetch(request));
    } catch (cause) {
      if (cause instanceof Deno.errors.AddrInUse) {
        throw new PipelineError("invalid", `Port ${port} is in use: choose another`, { cause });
      }
      if (cause instanceof Deno.errors.PermissionDenied) {
        throw new PipelineError("invalid", `Port ${port} is not permitted: choose one above 1023`, {
          cause,
        });
      }
      throw cause;
    }
  }
}
