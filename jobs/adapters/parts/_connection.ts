/**
 * HTTP to one address: one request at a time, with a limit of time and of size.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import type { Clock } from "@pipeline/runtime";
import { readText } from "./_reply.ts";

/** Where a process listens. */
export interface Address {
  /** Address or name; an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
}

/** `host:port`, as in URLs. */
export function addressName({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** Options of {@linkcode Connection}. */
export interface ConnectionOptions {
  /** Milliseconds until an answer must be complete. */
  readonly timeout: number;
  readonly clock: Pick<Clock, "sleep">;
}

/** An answer of any status. */
export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** There was no complete answer in time. The request may have arrived, or not. */
export class TimedOut extends PipelineError {
  /** @param ms the time for an answer, milliseconds. */
  constructor(ms: number) {
    super("unavailable", `It did not answer within ${ms} ms`);
  }
}

/** Most bytes of an answer. */
const MAX_BYTES = 64 * 2 ** 20;

/** A connection that is made when needed and kept. */
export class Connection {
  readonly #o: ConnectionOptions;
  readonly #url: string;
  readonly #http: Deno.HttpClient;
  #inFlight: AbortController | undefined;

  constructor(address: Address, options: ConnectionOptions) {
    this.#o = options;
    this.#url = `http://${addressName(address)}/v1/parts`;
    this.#http = Deno.createHttpClient({
      // A client without a transport of its own would use the proxy in the environment.
      proxy: { transport: "tcp", hostname: address.host, port: address.port },
      poolMaxIdlePerHost: 1,
    });
  }

  /**
   * Sends a request.
   *
   * @throws {TimedOut} if there is no complete answer in time.
   */
  async post(body: string): Promise<Reply> {
    const { clock, timeout } = this.#o;
    const inFlight = this.#inFlight = new AbortController();
    const timer = new AbortController();
    const abort = () => inFlight.abort(new TimedOut(timeout));
    clock.sleep(timeout, timer.signal).then(abort, () => {});
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        redirect: "manual",
        client: this.#http,
        signal: inFlight.signal,
      });
      return { status: response.status, text: await readText(response, MAX_BYTES) };
    } catch (error) {
      throw inFlight.signal.aborted ? inFlight.signal.reason : error;
    } finally {
      timer.abort();
      this.#inFlight = undefined;
    }
  }

  /** Abandons the request in flight. */
  abort(): void {
    this.#inFlight?.abort(new PipelineError("stopped", "The client was closed"));
  }

  /** Closes the connection. */
  close(): void {
    this.#http.close();
  }
}
