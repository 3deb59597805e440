/**
 * Routes about the job itself: its page, stream, description, health and metrics.
 *
 * @module
 */

import { type Clock, type Health, type Metrics, withTimeout } from "@pipeline/runtime";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Asset } from "../page/mod.ts";
import type { Source } from "../reading/source.ts";
import type { EventHub } from "../stream.ts";
import { OTHERWISE, PROBLEM } from "./schemas.ts";

/** Options of {@linkcode addSystemRoutes}. */
export interface SystemOptions {
  /** The source whose generation decides on readiness. */
  readonly source: Pick<Source, "served">;
  /** Liveness and readiness. */
  readonly health: Health;
  /** What `/metrics` renders. */
  readonly metrics: Metrics;
  /** What `/v1/stream` follows. */
  readonly hub: EventHub;
  /** The page by path; none by default. */
  readonly assets?: ReadonlyMap<string, Asset>;
  /** Times waits. */
  readonly clock: Pick<Clock, "sleep">;
}

/** Milliseconds that the store may take to answer while no generation is known. */
const PROBE_TIMEOUT = 2000;

const check = z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() });

/** Adds the routes. */
export function addSystemRoutes(app: OpenAPIHono, options: SystemOptions): void {
  const { source, health, metrics, hub, clock, assets = new Map<string, Asset>() } = options;
  for (const { responses, ...route } of DESCRIBED) {
    const all = { ...responses, default: OTHERWISE };
    app.openAPIRegistry.registerPath({ method: "get", ...route, responses: all });
  }

  app.get("/healthz", (context) => {
    const { live, checks } = health.report();
    return context.json({ live, checks }, live ? 200 : 503);
  });
  app.get("/readyz", async (context) => {
    await withTimeout(() => source.served.get(), {
      ms: PROBE_TIMEOUT,
      what: "The store",
      clock,
    }).catch(() => {});
    const { ready, checks } = health.report();
    return context.json({ ready, checks }, ready ? 200 : 503);
  });
  app.get("/metrics", async (context) => {
    const text = await metrics.render();
    return context.body(text, 200, { "content-type": metrics.contentType });
  });
  app.get("/v1/stream", (context) => {
    // A request for the headers alone opens no stream.
    const body = context.req.raw.method === "HEAD" ? null : hub.connect();
    const headers = { "content-type": "text/event-stream", "x-accel-buffering": "no" };
    return new Response(body, { headers });
  });
  for (const [path, asset] of assets) {
    app.get(path, (context) => assetResponse(asset, context.req.header("if-none-match")));
  }
}

const text = (type: string) => ({ [type]: { schema: z.string() } });
const yesOrNo = (schema: z.ZodType) => ({
  200: { description: "Yes", content: { "application/json": { schema } } },
  503: { description: "No", content: { "application/json": { schema } } },
});

const DESCRIBED = [
  {
    path: "/healthz",
    summary: "Whether the job makes progress",
    responses: yesOrNo(z.strictObject({ live: z.boolean(), checks: z.array(check) })),
  },
  {
    path: "/readyz",
    summary: "Whether the job can answer: it knows a generation, also while the store is away",
    responses: yesOrNo(z.strictObject({ ready: z.boolean(), checks: z.array(check) })),
  },
  {
    path: "/metrics",
    summary: "Metrics in the text form that Prometheus reads",
    responses: { 200: { description: "Metrics", content: text("text/plain") } },
  },
  {
    path: "/v1/stream",
    summary: "Server-sent events: `summary` once a second, `problem` where there is none",
    responses: {
      200: {
        description: "Events until either side ends them",
        content: text("text/event-stream"),
      },
      503: {
        description: "As many clients follow the stream as are allowed",
        ...PROBLEM,
      },
    },
  },
] as const;

function assetResponse({ type, body, etag }: Asset, known: string | undefined): Response {
  const headers = { "cache-control": "no-cache", etag };
  // A proxy that compresses makes the tag a weak one.
  const tags = known?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  if (tags.includes(etag) || tags.includes("*")) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(body, { headers: { ...headers, "content-type": type } });
}
