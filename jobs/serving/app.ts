/**
 * The serving job's web application: API, stream and page over one store.
 *
 * @module
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { ServingStore } from "@pipeline/core";
import type { LiveParts } from "@pipeline/protocol";
import {
  type Clock,
  errorText,
  Health,
  type Logger,
  Metrics,
  systemClock,
} from "@pipeline/runtime";
import { bounded, secure, wellFormed } from "./api/guards.ts";
import { problemResponse, toProblem } from "./api/problems.ts";
import { viewRoutes } from "./api/routes.ts";
import { addSystemRoutes } from "./api/system_routes.ts";
import { DEFAULT_LIMITS, type ServingLimits } from "./config.ts";
import type { Asset } from "./page/mod.ts";
import { Problem } from "./problem.ts";
import { DocumentCounts } from "./queries/status.ts";
import { type LogEnds, Source } from "./reading/source.ts";
import { watchSource } from "./source_metrics.ts";
import { watchPipeline } from "./pipeline_metrics.ts";
import { shareAnswer } from "./share.ts";
import { EventHub } from "./stream.ts";
import { Summarizer } from "./summary.ts";
import { watchStore } from "./watch.ts";

/** The parts of the application. All but the store are optional. */
export interface AppOptions {
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** The folds that can be asked; without them, the store answers for them. */
  readonly parts?: LiveParts;
  /** Reads the end of the log; without it, answers report their lag as unknown. */
  readonly ends?: LogEnds;
  /** Reads how far the dataset is; without it, the page does not show that. */
  readonly ingested?: LogEnds;
  /** The page's files (see `loadAssets`); without them there is no page. */
  readonly assets?: ReadonlyMap<string, Asset>;
  /** Limits; the defaults where absent. */
  readonly limits?: Partial<ServingLimits>;
  /** The machine's own clock by default. */
  readonly clock?: Clock;
  /** Logs failures. */
  readonly log?: Logger;
  /** Shared with the rest of the process; its own by default. */
  readonly metrics?: Metrics;
  /** Shared with the rest of the process; its own by default. */
  readonly health?: Health;
}

/** The application. */
export interface App {
  /** Answers a request. */
  fetch(request: Request): Response | Promise<Response>;
  /**
   * Looks at the store until the signal is aborted, so that the job becomes ready without requests.
   */
  watch(signal: AbortSignal): Promise<void>;
  /** Ends the streams, so that a server can drain. */
  close(): Promise<void>;
}

/** Creates the application. */
export function createApp(options: AppOptions): App {
  const { store, parts, ends, log, clock = systemClock, metrics = new Metrics() } = options;
  const { health = new Health(clock) } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const sharedEnds = ends &&
    shareAnswer(ends, { what: "The log", maxAge: 500, timeout: 1_000, clock });
  const ingested = options.ingested &&
    shareAnswer(options.ingested, { what: "The log", maxAge: 2_000, timeout: 1_000, clock });
  const source = new Source({
    store,
    clock,
    cacheBytes: limits.cacheBytes,
    ...(parts && { parts }),
    ...(sharedEnds && { ends: sharedEnds }),
    ...(ingested && { ingested }),
  });
  health.condition("generation", () => whyNotReady(source));
  watchSource(metrics, source);
  const summarizer = new Summarizer({
    source,
    clock,
    ...(log && { log }),
  });
  const hub = new EventHub({
    make: () => summarizer.make(),
    clock,
    maxClients: limits.maxStreams,
  });
  watchPipeline({ metrics, summarizer: new Summarizer({ source, clock }), clock });
  metrics.gauge("serving_stream_clients", {
    help: "Clients that follow the stream.",
    collect: (gauge) => gauge.set(hub.clients),
  });

  const app = new OpenAPIHono();
  app.use(secure, observed(metrics, clock), wellFormed);
  app.use("/v1/*", bounded({ ...limits, clock }));
  addSystemRoutes(app, { ...options, source, health, metrics, hub, clock });
  app.route("/", viewRoutes(source, new DocumentCounts(clock)));
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Reddit pipeline",
      version: "1",
      description:
        "Merged answers of batch and speed layer, each with where it comes from. A parameter that an " +
        "operation does not have, or that is given twice, is refused. HEAD is answered as GET is.",
      license: { name: "MIT" },
    },
  });
  app.notFound(({ req }) => {
    const detail = `There is no ${req.path}; /openapi.json lists what there is`;
    return problemResponse(new Problem(404, detail), req.path);
  });
  app.onError((error, { req }) => problemResponse(toProblem(error, log), req.path));
  return {
    fetch: (request) => app.fetch(request),
    watch: (signal) => watchStore(source, { clock, logger: log, signal }),
    close: () => hub.close(),
  };
}

/**
 * Why no request can be answered; `undefined` once a generation is known, also while the store is
 * away: answers go on from memory.
 */
function whyNotReady({ served }: Source): string | undefined {
  if (served.last !== undefined) return undefined;
  return served.failure === undefined ? "There is no generation yet" : errorText(served.failure);
}

/** Counts requests and measures the time until their answers begin. */
function observed(metrics: Metrics, clock: Pick<Clock, "monotonic">): MiddlewareHandler {
  const duration = metrics.histogram("serving_request_duration_seconds", {
    help: "Time from a request to the beginning of its answer.",
    labels: { route: 20, status: 12 },
  });
  return async (context, next) => {
    const start = clock.monotonic();
    await next();
    const route = routePath(context, -1);
    const status = String(context.res.status);
    duration.observe((clock.monotonic() - start) / 1000, { route, status });
  };
}
