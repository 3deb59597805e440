/**
 * An HTTP proxy in front of a server, which tests tell to lose, cut, change or refuse.
 *
 * @module
 */

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

/** Headers that concern one connection, or what fetch has done already. */
const OWN = /^(connection|keep-alive|transfer-encoding|content-length|accept-encoding|host)$/;

/** Marks addresses that the server has sent us to, such as those of DataNodes. */
const VIA = /^\/via\/([^/]+)(\/.*)$/;

/** A proxy that runs. */
export class HttpProxy implements AsyncDisposable {
  /** Decides on each request; may be set at any time. */
  interfere: ((asked: Asked) => Interference | undefined) | undefined;
  /** Requests that came so far. */
  asked = 0;
  readonly #options: HttpProxyOptions;
  readonly #listener: Deno.TcpListener | Deno.TlsListener;
  readonly #connections = new Set<Deno.Conn>();
  readonly #running: Promise<void>;

  private constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.interfere = options.interfere;
    const at = { hostname: "127.0.0.1", port: 0 };
    this.#listener = options.tls === undefined
      ? Deno.listen(at)
      : Deno.listenTls({ ...at, ...options.tls });
    this.#running = this.#accept();
  }

  /** Listens on a free port of loopback. */
  static open(options: HttpProxyOptions): Promise<HttpProxy> {
    return Promise.resolve(new HttpProxy(options));
  }

  /** `host:port` where it listens. */
  get endpoint(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Where it listens, as a URL. */
  get url(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://${this.endpoint}`;
  }

  /** Ends it, and cuts what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await this.#running;
  }

  async #accept(): Promise<void> {
    for (;;) {
      try {
        const connection = await this.#listener.accept();
        this.#connections.add(connection);
        this.#serve(connection).catch(() => {}).finally(() => {
          this.#connections.delete(connection);
          close(connection);
        });
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
      }
    }
  }

  /** One request after the other, until one is not to be answered, or the other side has enough. */
  async #serve(connection: Deno.Conn): Promise<void> {
    const reader = new HttpReader(connection);
    for (;;) {
      const asked = await reader.next();
      if (asked === undefined) return;
      this.asked++;
      const { authorization } = this.#options;
      if (authorization?.includes(asked.headers.authorization ?? "") === false) {
        const body = { error: { type: "security_exception", reason: "who is it?" }, status: 401 };
        await send(connection, json(401, body));
        continue;
      }
      const { answer, lose, cut, change } = this.interfere?.(asked) ?? {};
      if (answer !== undefined) {
        await send(connection, json(answer.status, answer.body));
        continue;
      }
      const got = await this.#pass(asked);
      if (lose) return;
      await send(connection, change?.(got) ?? got, cut);
      if (cut !== undefined) return;
    }
  }

  async #pass({ method, path, headers, body }: Asked): Promise<Answer> {
    const [, via, rest] = VIA.exec(path) ?? [];
    const sent = Object.entries(headers).filter(([name]) => !OWN.test(name));
    const response = await fetch(`http://${via ?? this.#options.target}${rest ?? path}`, {
      method,
      headers: [...sent, ["accept-encoding", "identity"]] as [string, string][],
      redirect: "manual",
      ...(body.length === 0 || method === "GET" ? {} : { body: body as BodyInit }),
    });
    const received = [...response.headers].filter(([name]) => !OWN.test(name));
    return this.#ours({
      status: response.status,
      headers: Object.fromEntries(received),
      body: await response.bytes(),
    });
  }

  /** The answer with redirects that lead through the proxy. */
  #ours({ status, headers, body }: Answer): Answer {
    const location = headers.location;
    // What WebHDFS answers where it is asked not to redirect.
    const said = /^\{"Location":"([^"]+)"\}$/.exec(new TextDecoder().decode(body))?.[1];
    return {
      status,
      headers: location === undefined ? headers : { ...headers, location: this.#through(location) },
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

/** Reads requests of HTTP/1.1 (RFC 9112) from a connection. */
class HttpReader {
  readonly #connection: Deno.Conn;
  #held = new Uint8Array();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** The next request, whole; none where the other side has closed. */
  async next(): Promise<Asked | undefined> {
    const head = await this.#line("\r\n\r\n");
    if (head === undefined) return undefined;
    const [first, ...lines] = head.split("\r\n");
    const [method, path] = first!.split(" ") as [string, string];
    const headers = Object.fromEntries(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    if (headers.expect !== undefined) {
      await this.#connection.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    const body = headers["transfer-encoding"] === "chunked"
      ? await this.#chunks()
      : await this.#bytes(Number(headers["content-length"] ?? 0));
    return { method, path, headers, body };
  }

  async #chunks(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const size = parseInt((await this.#line("\r\n"))!, 16);
      parts.push(await this.#bytes(size));
      await this.#line("\r\n");
      if (size === 0) return await new Blob(parts as BlobPart[]).bytes();
    }
  }

  async #line(end: string): Promise<string | undefined> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#held);
      const at = text.indexOf(end);
      if (at >= 0) {
        this.#held = this.#held.slice(at + end.length);
        return text.slice(0, at);
      }
      if (!await this.#more()) return undefined;
    }
  }

  async #bytes(count: number): Promise<Uint8Array> {
    while (this.#held.length < count) {
      if (!await this.#more()) throw new Error("The request broke off");
    }
    const bytes = this.#held.slice(0, count);
    this.#held = this.#held.slice(count);
    return bytes;
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(1 << 18);
    const count = await this.#connection.read(chunk);
    if (count === null) return false;
    const held = new Uint8Array(this.#held.length + count);
    held.set(this.#held);
    held.set(chunk.subarray(0, count), this.#held.length);
    this.#held = held;
    return true;
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

/** Sends an answer, or its beginning: `cut` bytes of the body that was announced whole. */
async function send(
  connection: Deno.Conn,
  { status, headers, body }: Answer,
  cut = body.length,
): Promise<void> {
  const lines = Object.entries({ ...headers, "content-length": String(body.length) })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const head = new TextEncoder().encode(`HTTP/1.1 ${status} -\r\n${lines.join("")}\r\n`);
  for (const bytes of [head, body.subarray(0, cut)]) {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
