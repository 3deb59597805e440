/**
 * Checks before and after every request: limits on its form, on concurrency and on duration;
 * headers of the answer.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import type { Clock } from "@pipeline/runtime";
import { withTimeout } from "@pipeline/runtime";
import { Problem } from "../problem.ts";

/** Longest path with its query, in characters. */
export const MAX_URL = 4096;

/** Only scripts, styles and data of our own; no site may frame the page. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const SECURITY_HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Adds the security headers to every answer; answers without cache headers are not stored. */
export const secure: MiddlewareHandler = async (context, next) => {
  await next();
  const { headers } = context.res;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers.set(name, value);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
};

/**
 * Refuses requests that no endpoint accepts: other methods, bodies, long or undecodable addresses.
 */
export const wellFormed: MiddlewareHandler = async (context, next) => {
  const { method, url, headers } = context.req.raw;
  if (method !== "GET" && method !== "HEAD") {
    throw new Problem(405, `The method is ${method}: GET and HEAD are allowed`);
  }
  if (Number(headers.get("content-length") ?? 0) > 0 || headers.has("transfer-encoding")) {
    throw new Problem(413, "The request has a body: none is allowed");
  }
  const { pathname, search } = new URL(url);
  const length = pathname.length + search.length;
  if (length > MAX_URL) {
    throw new Problem(400, `The address has ${length} characters: at most ${MAX_URL} are allowed`);
  }
  if (!isDecodable(pathname) || !isDecodable(search.replaceAll("+", " "))) {
    throw new Problem(400, "The address must be percent-encoded UTF-8");
  }
  await next();
};

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Limits of {@linkcode bounded}. */
export interface Bounds {
  /** Most concurrent requests. */
  readonly maxRequests: number;
  /** Longest time to answer one, in milliseconds. */
  readonly requestTimeout: number;
  /** Times the limit. */
  readonly clock: Pick<Clock, "sleep">;
}

/** Limits concurrent requests and the duration of each; refuses further ones at once. */
export function bounded({ maxRequests, requestTimeout, clock }: Bounds): MiddlewareHandler {
  let active = 0;
  return async (_context, next) => {
    if (active >= maxRequests) {
      throw new Problem(503, `${active} requests are being answered: try again`, { retryAfter: 1 });
    }
    active++;
    // A query that timed out continues in the store, so it counts until it has ended.
    const work = next().finally(() => active--);
    await withTimeout(() => work, { ms: requestTimeout, what: "The store", clock });
  };
}
