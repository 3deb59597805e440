/**
 * Requests of the WebHDFS REST API: each goes to the active NameNode, and on to the DataNode that
 * it selects.
 *
 * @module
 */

import { hasCode, PipelineError } from "@pipeline/core";
import { type Logger, redactUrls } from "@pipeline/runtime";
import type { HdfsConfig } from "./config.ts";
import { isStandby, readRemoteError, type RemoteError, toPipelineError } from "./errors.ts";

/** One operation on one path. */
export interface Operation {
  readonly method: "GET" | "PUT" | "DELETE";
  /** Hadoop's name, e.g. `LISTSTATUS`. */
  readonly op: string;
  /** Components of the path below the root, not encoded. */
  readonly parts: readonly string[];
  /** Further parameters. */
  readonly query?: Readonly<Record<string, string>>;
  /** The attempted operation, for messages, e.g. `Listing /data`. */
  readonly what: string;
}

/** The target of a transfer, as selected by a NameNode. */
export interface Transfer {
  /** The DataNode's full URL. */
  readonly url: string;
  /** The DataNode's host. */
  readonly datanode: string;
}

/**
 * Milliseconds for which the host of an unresponsive DataNode is excluded: until the NameNode
 * notices. It is the host, since the ports by which DataNodes are excluded are not those of HTTP.
 */
const LEFT_OUT = 30_000;

/** Number of DataNodes that are tried for one transfer. */
const TRIES = 5;

/** A request that never reached a server, and so had no effect there. */
class NotReached extends Error {
  override name = "NotReached";
}

/** A client of one file system. */
export class WebHdfs {
  readonly #config: HdfsConfig;
  readonly #logger: Logger | undefined;
  readonly #http: Deno.HttpClient;
  readonly #leftOut = new Map<string, number>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #running = 0;

  /** @throws {PipelineError} `invalid` if the file of authorities cannot be read. */
  constructor(config: HdfsConfig, logger?: Logger) {
    this.#config = config;
    this.#logger = logger;
    this.#http = Deno.createHttpClient({
      poolMaxIdlePerHost: config.concurrency,
      ...(config.caFile === undefined ? {} : { caCerts: [readAuthorities(config.caFile)] }),
    });
  }

  /** Closes all connections. */
  close(): void {
    this.#http.close();
  }

  /** An operation of the NameNode alone. Returns its JSON, or `undefined` for an empty answer. */
  async ask(operation: Operation): Promise<unknown> {
    return await this.#limited(async () => {
      return await parsed(await this.#namenode(operation), operation.what);
    });
  }

  /** Sends bytes to a DataNode that the NameNode selects. */
  async upload(operation: Operation, body: Uint8Array | ReadableStream<Uint8Array>): Promise<void> {
    await this.#limited(async () => {
      for (let attempt = 1;; attempt++) {
        const transfer = await this.#transfer(operation);
        try {
          const response = await this.#fetch(transfer.url, {
            method: "PUT",
            body: body as BodyInit,
            headers: { "content-type": "application/octet-stream" },
          }, this.#config.uploadTimeout);
          if (response.status === 201 || response.status === 200) {
            await response.body?.cancel();
            return;
          }
          throw toPipelineError(await readRemoteError(response), operation.what);
        } catch (error) {
          if (!(error instanceof NotReached)) throw unavailable(error, operation.what);
          // The DataNode has just died, and the NameNode has not noticed yet.
          this.#leaveOut(transfer.datanode);
          const again = body instanceof Uint8Array && attempt < TRIES;
          if (!again) throw unavailable(error, operation.what);
        }
      }
    });
  }

  /** Opens a stream from a DataNode that the NameNode selects. Read it with timeouts. */
  async download(operation: Operation): Promise<ReadableStream<Uint8Array>> {
    return await this.#limited(async () => {
      for (let attempt = 1;; attempt++) {
        const transfer = await this.#transfer(operation);
        try {
          const { requestTimeout } = this.#config;
          const response = await this.#fetch(transfer.url, { method: "GET" }, requestTimeout, {
            body: true,
          });
          if (response.status === 200 && !isPage(response)) {
            return response.body ?? new Blob([]).stream();
          }
          throw toPipelineError(await readRemoteError(response), operation.what);
        } catch (error) {
          if (!(error instanceof NotReached)) throw unavailable(error, operation.what);
          this.#leaveOut(transfer.datanode);
          if (attempt >= TRIES) throw unavailable(error, operation.what);
        }
      }
    });
  }

  /** Requests the target of a transfer; this has no effect yet. */
  async #transfer(operation: Operation): Promise<Transfer> {
    const excluded = this.#excluded();
    const directed = { ...operation, query: { ...operation.query, noredirect: "true" } };
    const response = excluded === "" ? await this.#namenode(directed) : await this.#namenode({
      ...directed,
      query: { ...directed.query, excludedatanodes: excluded },
    }).catch((error) => {
      if (!hasCode(error, "unavailable")) throw error;
      // Perhaps no other DataNode is left: one that may have recovered is better than none.
      this.#leftOut.clear();
      return this.#namenode(directed);
    });
    const answer = await parsed(response, operation.what) as { readonly Location?: unknown } | null;
    const location = typeof answer?.Location === "string" ? URL.parse(answer.Location) : null;
    if (location === null) {
      throw new PipelineError("unavailable", `${operation.what}: the NameNode names no DataNode`);
    }
    return { url: answer!.Location as string, datanode: location.hostname };
  }

  #leaveOut(datanode: string): void {
    this.#logger?.warn("Exclude a DataNode that does not answer", { datanode });
    this.#leftOut.set(datanode, performance.now() + LEFT_OUT);
  }

  #excluded(): string {
    const now = performance.now();
    for (const [datanode, until] of this.#leftOut) {
      if (until < now) this.#leftOut.delete(datanode);
    }
    return [...this.#leftOut.keys()].join(",");
  }

  /** Asks the NameNode that answered last; if it is standby or unavailable, the other one. */
  async #namenode(operation: Operation): Promise<Response> {
    const { namenodes, requestTimeout } = this.#config;
    let last: unknown;
    for (let i = 0; i < namenodes.length; i++) {
      const at = (this.#active + i) % namenodes.length;
      const url = this.#url(namenodes[at]!, operation);
      try {
        const response = await this.#fetch(url, { method: operation.method }, requestTimeout);
        if (response.ok) {
          if (at !== this.#active) {
            this.#logger?.info("Switch to the other NameNode", { namenode: namenodes[at] });
            this.#active = at;
          }
          return response;
        }
        const error: RemoteError = await readRemoteError(response);
        if (!isStandby(error)) throw toPipelineError(error, operation.what);
        last = toPipelineError(error, operation.what);
      } catch (error) {
        // A request that may have been executed is not repeated at the other NameNode.
        if (!(error instanceof NotReached)) throw unavailable(error, operation.what);
        last = error;
      }
    }
    throw unavailable(last, operation.what);
  }

  #url(namenode: string, { op, parts, query = {} }: Operation): string {
    const { root, user } = this.#config;
    const path = [...root.split("/").filter((part) => part !== ""), ...parts];
    const url = new URL(namenode);
    url.pathname = `/webhdfs/v1/${path.map(encodeURIComponent).join("/")}`;
    url.search = new URLSearchParams({ op, "user.name": user, ...query }).toString()
      // Some readers decode a plus as a space, others as a plus.
      .replaceAll("+", "%20");
    return url.href;
  }

  /**
   * Sends one request. With `body`, only the wait for the answer's beginning is limited.
   *
   * @throws {NotReached} if no connection was made; `unavailable` after the timeout.
   */
  async #fetch(
    url: string,
    init: RequestInit,
    timeout: number,
    { body = false }: { readonly body?: boolean } = {},
  ): Promise<Response> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeout);
    try {
      const response = await fetch(url, {
        ...init,
        redirect: "manual",
        signal: abort.signal,
        client: this.#http,
      });
      if (body && response.status === 200) return response;
      // Read within the timeout as well: answers are small.
      const bytes = await response.arrayBuffer();
      return new Response([101, 204, 205, 304].includes(response.status) ? null : bytes, response);
    } catch (error) {
      if (abort.signal.aborted) {
        const { host } = new URL(url);
        const message = `${host} did not answer within ${timeout} ms`;
        throw new PipelineError("unavailable", message, { cause: error });
      }
      throw isUnreached(error) ? new NotReached((error as Error).message, { cause: error }) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#config.concurrency) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** Whether an answer is an HTML page, as sent by a proxy: no DataNode's file is one. */
function isPage({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("text/html") === true;
}

/** An answer's JSON, `undefined` if it is empty. */
async function parsed(response: Response, what: string): Promise<unknown> {
  const text = await response.text();
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new PipelineError("unavailable", `${what}: the answer is not JSON`, { cause });
  }
}

/** Whether a request failed before a connection was made. */
function isUnreached(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (/tcp connect error|Connection refused|dns error|No route to host/i.test(at.message)) {
      return true;
    }
  }
  return false;
}

function unavailable(error: unknown, what: string): PipelineError {
  if (error instanceof PipelineError) return error;
  const message = redactUrls(error instanceof Error ? error.message : String(error));
  return new PipelineError("unavailable", `${what} failed: ${message}`, { cause: error });
}

function readAuthorities(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new PipelineError("invalid", `hdfs.caFile is "${path}": it cannot be read`, { cause });
  }
}
