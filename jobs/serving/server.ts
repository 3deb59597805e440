/**
 * The server of the application.
 *
 * @module
 */

import { listen, type Logger, systemClock } from "@pipeline/runtime";
import type { App } from "./app.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 selects a free one. */
  readonly port: number;
  /** Logs failures. */
  readonly log?: Logger;
}

/** A listening server. */
export interface RunningServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Ends streams, lets pending answers finish for a few seconds, then stops. */
  stop(): Promise<void>;
}

/** Milliseconds that answers may take to reach slow clients once the server stops. */
const DRAIN = 5000;

/**
 * Starts to listen.
 *
 * @throws {PipelineError} `invalid` if the port is in use or not permitted.
 */
export function serve(app: App, options: ServeOptions): RunningServer {
  const { host, port, log } = options;
  const abort = new AbortController();
  const server = listen((request) => app.fetch(request), {
    host,
    port,
    signal: abort.signal,
    ...(log === undefined ? {} : { logger: log }),
  });
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
}
