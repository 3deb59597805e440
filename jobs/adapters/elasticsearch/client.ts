/**
 * The one place that talks to the server: which nodes, as whom, how long to wait, and how
 * often a call that changes nothing, or the same thing again, is tried.
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

/** What an adapter is opened with beside its configuration. */
export interface ElasticsearchOptions {
  /** Told what is tried again here, before the job itself tries again. */
  readonly retry?: Pick<RetryOptions, "onRetry" | "onSettled"> | undefined;
  /** Waits between tries; the machine's where not given. */
  readonly clock?: Clock | undefined;
}

/** A request of the client: what it needs of each call. */
export interface RequestOptions {
  /** Ends the request. */
  readonly signal: AbortSignal;
  /** Milliseconds after which the client gives up, and asks this node less often. */
  readonly requestTimeout: number;
}

/** How one call is made. */
export interface CallOptions {
  /** Milliseconds; the configured `requestTimeout` where not given. */
  readonly timeout?: number;
  /** {@linkcode AGAIN} where not given; {@linkcode ONCE} where a second try could mislead. */
  readonly policy?: RetryPolicy;
}

/** Another node may answer; the job tries on where none does. */
export const AGAIN: RetryPolicy = { base: 100, max: 1_000, attempts: 4 };

/** For calls whose lost answer the caller must know of. */
export const ONCE: RetryPolicy = { base: 1, max: 1, attempts: 1 };

/** Milliseconds beyond the client's time-out after which a call is given up all the same. */
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
   * Connects with the first call.
   *
   * @throws {PipelineError} `invalid` where a file of the configuration cannot be read.
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
   * Makes a call, again where that can help.
   *
   * @param what for messages: `Cannot <what>`.
   * @throws {PipelineError} whatever the server or the connection answered, as one of ours.
   */
  call<T>(
    what: string,
    request: (client: Client, options: RequestOptions) => Promise<T>,
    { timeout = this.#timeout, policy = AGAIN }: CallOptions = {},
  ): Promise<T> {
    return this.again(() => this.#once(what, request, timeout), policy);
  }

  /** Tries anything again, under the rules of {@linkcode call}. */
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

  /** Ends what waits, and lets go of the sockets. */
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
        // Beyond the client's own limit, which does not count the time to read an answer.
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
    // One place decides what is tried again, and no answer of a node says where others are.
    maxRetries: 0,
    sniffOnStart: false,
    sniffOnConnectionFault: false,
    // Each call has its own limit. Undici would apply this one to every connection as well.
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

/** A file's text without the line end that editors add. */
function secretFile(key: string, path: string): string {
  try {
    return Deno.readTextFileSync(path).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new PipelineError("invalid", `Cannot read ${key} ${JSON.stringify(path)}`, { cause });
  }
}
