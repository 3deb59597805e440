/**
 * Listening for requests, with errors that people can act upon.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { Logger } from "./log.ts";

/** Where to listen. */
export interface ListenOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 takes any that is free. */
  readonly port: number;
  /** Cuts off whatever is still being answered. */
  readonly signal?: AbortSignal;
  /** Takes failures. */
  readonly logger?: Logger;
}

/**
 * Starts to listen.
 *
 * @throws {PipelineError} `invalid` where the port is in use or not permitted.
 */
export function listen(
  handler: (request: Request) => Response | Promise<Response>,
  options: ListenOptions,
): Deno.HttpServer<Deno.NetAddr> {
  const { host, port, signal, logger } = options;
  try {
    return Deno.serve({
      hostname: host,
      port,
      ...(signal === undefined ? {} : { signal }),
      onListen: () => {},
      onError: (error) => {
        logger?.error("An answer failed", { error });
        return new Response(null, { status: 500 });
      },
    }, handler);
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
