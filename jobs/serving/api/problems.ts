/**
 * Refusals and failures as problem details (RFC 9457).
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { Logger } from "@pipeline/runtime";
import { Problem } from "../problem.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A failure as shown to the sender of a request; unexpected ones are logged and not shown. */
export function toProblem(error: unknown, log?: Logger): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof PipelineError && (error.retriable || error.code === "stopped")) {
    log?.warn("A request could not be answered", { error });
    const detail = "The store does not answer in time; the same request may succeed later";
    return new Problem(503, detail, { cause: error, retryAfter: 2 });
  }
  log?.error("A request failed", { error });
  return new Problem(500, "The request failed for a reason that is in the log", { cause: error });
}

/** The answer that reports a problem. */
export function problemResponse(problem: Problem, path: string): Response {
  const { status, message, retryAfter, provenance } = problem;
  const body = {
    type: "about:blank",
    title: TITLES[status],
    status,
    detail: message,
    instance: path,
    ...(provenance === undefined ? {} : { provenance }),
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(status === 405 ? { allow: "GET, HEAD" } : {}),
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    },
  });
}
