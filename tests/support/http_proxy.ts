/**
 * An HTTP proxy in front of a server, which tests tell to lose, cut, change or refuse.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

/** A request as it came, whole. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What is done to one exchange: one of these. */
export interface Interference {
  /** The server is not asked; this is its answer. */
  readonly answer?: { readonly status: number; readonly body?: unknown };
  /** The server does as asked, and the connection is cut in place of its answer. */
  readonly lose?: true;
  /** The server's answer is announced whole, and the connection cut after so many bytes. */
  readonly cut?: number;
  /** The server's answer, changed. */
  readonly change?: (answer: Answer) => Answer;
}

/** How a proxy is set up. */
export interface HttpProxyOptions {
  /** `host:port` of the server. */
  readonly target: string;
  /** Decides on each request; nothing is done to it where it gives none. */
  readonly interfere?: (asked: Asked) => Interference | undefined;
  /** Speaks TLS with this certificate and key, both PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Refuses with 401 what has none of these values of `authorization`. */
  readonly authorization?: readonly string[];
}

/** Marks addresses that the server has sent us to, such as those of DataNodes. */
const VIA = /^\/via\/([^/]+)(\/.*)$/;

/** A proxy that runs. */
export class HttpProxy implements AsyncDisposable {
  /** Decides on each request; may be set at any time. */
  interfere: ((asked: Asked) => Interference | undefined) | undefined;
  /** Requests that came so far. */
  asked = 0;
  readonly #options: HttpProxyOptions;
  readonly #server: http.Server | https.Server;

  private constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.interfere = options.interfere;
    const handle = (request: http.IncomingMessage, response: http.ServerResponse) =>
      void this.#handle(request, response).catch(() => response.socket?.destroy());
    this.#server = options.tls === undefined
      ? http.createServer(handle)
      : https.createServer(options.tls, handle);
  }

  /** Listens on a free port of loopback. */
  static async open(options: HttpProxyOptions): Promise<HttpProxy> {
    const proxy = new HttpProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", () => resolve()));
    return proxy;
  }

  /** `host:port` where it listens. */
  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Where it listens, as a URL. */
  get url(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://${this.endpoint}`;
  }

  /** Ends it, and cuts what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.asked++;
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked: Asked = {
      method: request.method!,
      path: request.url!,
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    };
    const { authorization } = this.#options;
    if (authorization?.includes(asked.headers.authorization ?? "") === false) {
      return send(response, json(401, { error: { type: "security_exception" }, status: 401 }));
    }
    const { answer, lose, cut, change } = this.interfere?.(asked) ?? {};
    if (answer !== undefined) return send(response, json(answer.status, answer.body));
    const got = await this.#pass(asked);
    if (lose) return void response.socket?.destroy();
    if (cut !== undefined) {
      response.writeHead(got.status, { ...got.headers, "content-length": String(got.body.length) });
      response.write(got.body.subarray(0, cut));
      return void setTimeout(() => response.socket?.destroy(), 20);
    }
    send(response, change?.(got) ?? got);
  }

  async #pass({ method, path, headers, body }: Asked): Promise<Answer> {
    const [, via, rest] = VIA.exec(path) ?? [];
    const [hostname, port] = (via ?? this.#options.target).split(":") as [string, string];
    const sent = { ...headers, host: `${hostname}:${port}` };
    return await new Promise<Answer>((resolve, reject) => {
      const passed = http.request(
        { hostname, port: Number(port), method, path: rest ?? path, headers: sent, agent: false },
        (got) => {
          const chunks: Uint8Array[] = [];
          got.on("data", (chunk) => chunks.push(chunk));
          got.on("error", reject);
          got.on("end", () =>
            resolve(this.#ours({
              status: got.statusCode!,
              headers: got.headers as Record<string, string>,
              body: Buffer.concat(chunks),
            })));
        },
      );
      passed.on("error", reject);
      passed.end(body);
    });
  }

  /** The answer with a length, and with redirects that lead through the proxy. */
  #ours({ status, headers, body }: Answer): Answer {
    const kept = Object.fromEntries(
      Object.entries(headers).filter(([name]) => !/^(transfer-encoding|connection)$/.test(name)),
    );
    if (kept.location !== undefined) kept.location = this.#through(kept.location);
    // What WebHDFS answers where it is asked not to redirect.
    const said = /^\{"Location":"([^"]+)"\}$/.exec(new TextDecoder().decode(body))?.[1];
    return {
      status,
      headers: kept,
      body: said === undefined
        ? body
        : new TextEncoder().encode(JSON.stringify({ Location: this.#through(said) })),
    };
  }

  #through(location: string): string {
    const { host, pathname, search } = new URL(location);
    return `${this.url}/via/${host}${pathname}${search}`;
  }
}

function json(status: number, body: unknown = {}): Answer {
  return {
    status,
    // The client of Elasticsearch talks to no server that does not say this.
    headers: { "content-type": "application/json", "x-elastic-product": "Elasticsearch" },
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

function send(response: http.ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, "content-length": String(body.length) });
  response.end(body);
}
