/**
 * The HTTP endpoints that all jobs have in common: `/healthz`, `/readyz` and `/metrics`.
 *
 * @module
 */

import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";

/** Options of {@linkcode opsHandler}. */
export interface OpsOptions {
  /** What `/healthz` and `/readyz` report. */
  readonly health: Health;
  /** What `/metrics` renders. */
  readonly metrics: Metrics;
}

/** A handler for those three paths; everything else is 404, other methods 405. */
export function opsHandler(options: OpsOptions): (request: Request) => Promise<Response> {
  const { health, metrics } = options;
  return async (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(405, "Allowed: GET, HEAD\n", { allow: "GET, HEAD" });
    }
    const { pathname } = new URL(request.url);
    const { ready, live, checks } = health.report();
    switch (pathname) {
      case "/healthz":
        return Response.json({ live, checks }, { status: live ? 200 : 503, headers: NO_STORE });
      case "/readyz":
        return Response.json({ ready, checks }, { status: ready ? 200 : 503, headers: NO_STORE });
      case "/metrics":
        return answer(200, await metrics.render(), { "content-type": metrics.contentType });
      default:
        return answer(404, "Known: /healthz, /readyz, /metrics\n");
    }
  };
}

const NO_STORE = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

function answer(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { ...NO_STORE, ...headers } });
}
