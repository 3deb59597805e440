/**
 * An HTTP listener whose errors name a remedy.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { Logger } from "./log.ts";

/** Options of {@linkcode listen}. */
export interface ListenOptions {
  /** Address or name to listen on; `::` stands for all addresses of both families. */
  readonly host: string;
  /** Port to listen on; 0 selects a free one. */
  readonly port: number;
  /** Aborts requests that are still being answered. */
  readonly signal?: AbortSignal;
  /** Logs failures. */
  readonly logger?: Logger;
}

/**
 * Starts to listen. On a machine without IPv6, `::` stands for all IPv4 addresses.
 *
 * @throws {PipelineError} `invalid` if the port is in use or not permitted, or the host is not an
 * address of this machine.
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
      logger?.warn("No IPv6 on this machine: listening on IPv4", { host });
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
      `Host "${host}" is not an address of this machine: choose "::" (all), "0.0.0.0" (all of IPv4) or one of its own`,
    );
  }
  return cause;
}

/** Whether the machine lacks the address or its family, or the address is invalid. */
function isNoAddress(error: unknown): boolean {
  return error instanceof Deno.errors.AddrNotAvailable || error instanceof URIError ||
    error instanceof Error && (
        // Link-local addresses without a zone, and kernels without IPv6.
        ["EINVAL", "EAFNOSUPPORT"].includes((error as { code?: string }).code ?? "") ||
        error.message.includes("failed to lookup address")
      );
}
