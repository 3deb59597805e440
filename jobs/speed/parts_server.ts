/**
 * The endpoint at which serving asks the folds: `POST /v1/parts`.
 *
 * A request is answered from memory in one turn of the event loop, by what is folded: it never waits
 * for the log, and nobody else is asked. Requests are answered one after the other, with a turn for
 * folding between them.
 *
 * @module
 */

import { errorText, listen, type Logger, systemClock } from "@pipeline/runtime";
import { hasCode } from "@pipeline/core";
import { type PartAnswer, PARTS_BOUNDS, type PartsRequest } from "@pipeline/protocol";
import type { PartsConfig } from "./config.ts";
import { readBody } from "./body.ts";
import { partsRequest } from "./parts_request.ts";

/** Path of the endpoint. */
export const PARTS_PATH = "/v1/parts";

/** Statuses of its answers. */
export const PARTS_STATUSES = [
  "200",
  "400",
  "404",
  "405",
  "408",
  "409",
  "413",
  "429",
  "500",
] as const;

/** The folds that are asked. */
export interface PartsSource {
  /** The generations that can be asked about. */
  answered(): readonly number[];
  /** Answers at once. Throws `not_found`, `conflict` and `too_large`. */
  answer(request: PartsRequest): readonly PartAnswer[];
}

/** Options of {@linkcode serveParts}. */
export interface PartsServerOptions extends PartsConfig {
  /** The folds that are asked. */
  readonly source: PartsSource;
  /** Logs failures. */
  readonly logger?: Logger;
  /** Called with the status of each answer, and the milliseconds that it took. */
  readonly onAnswer?: (status: number, took: number) => void;
  /** Longest time in milliseconds until a body has arrived; 5 seconds by default. */
  readonly bodyWithin?: number;
  /** Lets the event loop go round between two answers; see `Turns`. */
  readonly pause?: () => Promise<void>;
}

/** A listening endpoint. */
export interface PartsServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Ends, once pending answers are sent or a second is over. */
  close(): Promise<void>;
}

/** Milliseconds until a body must have arrived: requests come from pods nearby, and are small. */
const BODY_WITHIN = 5_000;

/** Milliseconds that answers may take to reach slow clients once the endpoint closes. */
const DRAIN = 1_000;

/**
 * Starts to listen.
 *
 * @throws {PipelineError} `invalid` if the port is in use or not permitted.
 */
export function serveParts(options: PartsServerOptions): PartsServer {
  const { host, port, logger, onAnswer } = options;
  const queue = new Queue(options);
  const abort = new AbortController();
  const server = listen(async (request) => {
    const started = systemClock.monotonic();
    const response = await respond(request, options, queue);
    onAnswer?.(response.status, systemClock.monotonic() - started);
    return response;
  }, { host, port, signal: abort.signal, ...(logger === undefined ? {} : { logger }) });
  return {
    port: server.addr.port,
    close: async () => {
      const timer = new AbortController();
      systemClock.sleep(DRAIN, timer.signal).then(() => abort.abort(), () => {});
      await server.shutdown();
      timer.abort();
      await server.finished;
    },
  };
}

async function respond(
  request: Request,
  options: PartsServerOptions,
  queue: Queue,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname !== PARTS_PATH) {
    await request.body?.cancel();
    return problem(404, `There is nothing at ${pathname}: the path is ${PARTS_PATH}`);
  }
  if (request.method !== "POST") {
    await request.body?.cancel();
    return problem(405, `The method is ${request.method}: POST is allowed`, {}, { allow: "POST" });
  }
  const { bodyWithin: within = BODY_WITHIN } = options;
  const body = await readBody(request, { bytes: PARTS_BOUNDS.body, within })
    .catch(() => 400 as const);
  if (body === 400) return problem(400, "The body broke off");
  if (body === 408) return problem(408, `The body did not arrive within ${within} ms`);
  if (body === 413) return problem(413, `The body has more than ${PARTS_BOUNDS.body} bytes`);
  const asked = parse(body);
  if (typeof asked === "string") return problem(400, asked);
  return await queue.run(() => answer(asked, options)) ??
    problem(429, `${options.maxQueued} requests wait already`, {}, { "retry-after": "1" });
}

function parse(body: Uint8Array): PartsRequest | string {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return "The body must be JSON in UTF-8";
  }
  const { success, data, error } = partsRequest.safeParse(json);
  if (success) return data;
  const [{ path, message } = { path: [], message: "" }] = error.issues;
  return `${path.length === 0 ? "The body" : path.join(".")} is refused: ${message}`;
}

function answer(asked: PartsRequest, { source, logger }: PartsServerOptions): Response {
  try {
    return json(200, { parts: source.answer(asked) });
  } catch (error) {
    const detail = errorText(error);
    if (hasCode(error, "not_found") || hasCode(error, "conflict")) {
      return problem(409, detail, { generations: source.answered() });
    }
    if (hasCode(error, "too_large")) return problem(413, detail);
    logger?.error("A question could not be answered", { error });
    return problem(500, "The request failed for a reason that is in the log");
  }
}

/** Work that waits for its turn. */
class Queue {
  readonly #most: number;
  readonly #pause: () => Promise<void>;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor({ maxQueued, pause = () => systemClock.sleep(0) }: PartsServerOptions) {
    this.#most = maxQueued;
    this.#pause = pause;
  }

  /** Does work in its turn, or does not, if too much waits. */
  async run<T>(work: () => T): Promise<T | undefined> {
    if (this.#waiting >= this.#most) return undefined;
    this.#waiting++;
    const turn = this.#last.then(() => {
      this.#waiting--;
      return work();
    });
    this.#last = turn.then(this.#pause, this.#pause);
    return await turn;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
};

/** A refusal as problem details (RFC 9457). */
function problem(
  status: number,
  detail: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = { type: "about:blank", title: TITLES[status], status, detail, ...more };
  return json(status, body, { "content-type": "application/problem+json", ...headers });
}

function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}
