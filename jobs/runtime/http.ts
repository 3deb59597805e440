/**
 * Listening for requests, with errors that people can act upon.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { Logger } from "./log.ts";

/** Where to listen. */
export interface ListenOptions {
  /** Address or name to listen on; `::` is every address of both families. */
  readonly host: string;
  /** Port to listen on; 0 takes any that is free. */
  readonly port: number;
  /** Cuts off whatever is still being answered. */
  readonly signal?: AbortSignal;
  /** Takes failures. */
  readonly logger?: Logger;
}

/**
 * Starts to listen. Where the machine has no IPv6, every address is every one of IPv4.
 *
 * @throws {PipelineError} `invalid` where the port is in use or not permitted, or the host is no
 *   address of this machine.
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
    if (EVERY_ADDRESS.test(host) && isNoAddress(cause)) {
      logger?.warn("There is no IPv6 here: listening on IPv4", { host });
      return listen(handler, { ...options, host: "0.0.0.0" });
    }
    throw refusal(cause, { host, port });
  }
}

const EVERY_ADDRESS = /^(::|\[::\])$/;

function refusal(cause: unknown, { host, port }: { host: string; port: number }): unknown {
  const invalid = (message: string) => new PipelineError("invalid", message, { cause });
  if (cause instanceof Deno.errors.AddrInUse) {
    return invalid(`Port ${port} is in use: choose another`);
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return invalid(`Port ${port} is not permitted: choose one above 1023`);
  }
  if (isNoAddress(cause)) {
    return invalid(
      `Host "${host}" is no address of this machine: choose "::" (all), "0.0.0.0" (all of IPv4) or one of its own`,
    );
  }
  return cause;
}

/** Whether the machine does not have the address or its family, or it is none. */
function isNoAddress(error: unknown): boolean {
  return error instanceof Deno.errors.AddrNotAvailable || error instanceof URIError ||
    error instanceof Error && (
        // Of an address of the link without its zone, and of a kernel without IPv6.
        ["EINVAL", "EAFNOSUPPORT"].includes((error as { code?: string }).code ?? "") ||
        error.message.includes("failed to lookup address")
      );
}
