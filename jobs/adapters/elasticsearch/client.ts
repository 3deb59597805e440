/**
 * The one place that talks to the server: the nodes, the credentials, the timeouts, and the retries
 * of calls that are read-only or idempotent.
 *
 * @module
 */

import { Client, type ClientOptions } from "@elastic/elasticsearch";
import { PipelineError } from "@pipeline/core";
import {
  type Clock,
  retry,
  type RetryOptions,
  type RetryPolicy,
  systemClock,
  withTimeout,
} from "@pipeline/runtime";
import type { ElasticsearchConfig } from "./config.ts";
import { storeError } from "./_errors.ts";

/** Options of the adapter besides its configuration. */
export interface ElasticsearchOptions {
  /** Called for retries made here, before the job itself retries. */
  readonly retry?: Pick<RetryOptions, "onRetry" | "onSettled"> | undefined;
  /** Times the waits between attempts; the machine's clock by default. */
  readonly clock?: Clock | undefined;
}

/** Options that the client needs for each request. */
export interface RequestOptions {
  /** Aborts the request. */
  readonly signal: AbortSignal;
  /** Milliseconds after which the client gives up, and uses this node less often. */
  readonly requestTimeout: number;
}

/** Options of one call. */
export interface CallOptions {
  /** Milliseconds; the configured `requestTimeout` by default. */
  readonly timeout?: number;
  /** {@linkcode AGAIN} by default; {@linkcode ONCE} if a second attempt could mislead. */
  readonly policy?: RetryPolicy;
}

/** Another node may answer; if none does, the job retries. */
export const AGAIN: RetryPolicy = { base: 100, max: 1_000, attempts: 4 };

/** For calls whose lost answer the caller must learn of. */
export const ONCE: RetryPolicy = { base: 1, max: 1, attempts: 1 };

/** Milliseconds beyond the client's timeout after which a call is abandoned all the same. */
const GRACE = 1_000;

/** A connection to the cluster. */
export class Connection {
  readonly #client: Client;
  readonly #life = new AbortController();
  readonly #under = new Set<Promise<unknown>>();
  readonly #timeout: number;
  readonly #clock: Clock;
  readonly #retry: ElasticsearchOptions["retry"];

  /**
   * Connects on the first call.
   *
   * @throws {PipelineError} `invalid` if a file of the configuration cannot be read.
   */
  constructor(config: ElasticsearchConfig, options: ElasticsearchOptions = {}) {
    this.#client = new Client(clientOptions(config));
    this.#timeout = config.requestTimeout;
    this.#clock = options.clock ?? systemClock;
    this.#retry = options.retry;
  }

  /** Aborted once the connection is closed. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /**
   * Makes a call, and retries it where that can help.
   *
   * @param what for messages: `Cannot <what>`.
   * @throws {PipelineError} the error of the server or the connection, converted into ours.
   */
  call<T>(
    what: string,
    request: (client: Client, options: RequestOptions) => Promise<T>,
    { timeout = this.#timeout, policy = AGAIN }: CallOptions = {},
  ): Promise<T> {
    return this.again(() => this.#once(what, request, timeout), policy);
  }

  /** Retries any work, by the rules of {@linkcode call}. */
  async again<T>(work: () => Promise<T>, policy: RetryPolicy): Promise<T> {
    this.check();
    const running = retry(work, {
      ...this.#retry,
      policy,
      signal: this.#life.signal,
      clock: this.#clock,
    });
    this.#under.add(running);
    try {
      return await running;
    } finally {
      this.#under.delete(running);
    }
  }

  /** Throws `stopped` once it is closed. */
  check(): void {
    if (this.#life.signal.aborted) throw new PipelineError("stopped", "The store is closed");
  }

  /** Ends pending calls, and closes the sockets. */
  async close(): Promise<void> {
    if (this.#life.signal.aborted) return;
    this.#life.abort();
    await Promise.allSettled(this.#under);
    await this.#client.close();
  }

  async #once<T>(
    what: string,
    request: (client: Client, options: RequestOptions) => Promise<T>,
    ms: number,
  ): Promise<T> {
    try {
      return await withTimeout((signal) => request(this.#client, { signal, requestTimeout: ms }), {
        // Longer than the client's own limit, which does not include the time to read an answer.
        ms: ms + GRACE,
        what: `Elasticsearch, asked to ${what},`,
        signal: this.#life.signal,
        clock: this.#clock,
      });
    } catch (error) {
      throw storeError(error, what);
    }
  }
}

function clientOptions(config: ElasticsearchConfig): ClientOptions {
  const { nodes, caFile } = config;
  const auth = authentication(config);
  return {
    nodes: [...nodes],
    // Retries are decided in one place, and a node's answer must not change the list of nodes.
    maxRetries: 0,
    sniffOnStart: false,
    sniffOnConnectionFault: false,
    // Each call has its own timeout. Undici would also apply this one to every connection.
    requestTimeout: 0,
    redaction: { type: "remove" },
    ...(auth && { auth }),
    tls: {
      rejectUnauthorized: true,
      ...(caFile === undefined ? {} : { ca: secretFile("caFile", caFile) }),
    },
  };
}

function authentication(config: ElasticsearchConfig): ClientOptions["auth"] {
  const { username, passwordFile, apiKeyFile } = config;
  if (apiKeyFile !== undefined) return { apiKey: secretFile("apiKeyFile", apiKeyFile) };
  if (username === undefined || passwordFile === undefined) return undefined;
  return { username, password: secretFile("passwordFile", passwordFile) };
}

/** A file's text without the final newline that editors add. */
function secretFile(key: string, path: string): string {
  try {
    return Deno.readTextFileSync(path).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new PipelineError("invalid", `Cannot read ${key} ${JSON.stringify(path)}`, { cause });
  }
}
