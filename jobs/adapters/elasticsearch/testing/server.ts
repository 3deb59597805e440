/**
 * A server that records the requests of the client, and answers as a test wants.
 *
 * @module
 */

/** A request to the server. */
export interface Asked {
  /** Method and path, such as `POST /_bulk`. */
  readonly what: string;
  /** Parameters of the URL. */
  readonly params: Readonly<Record<string, string>>;
  /** The body's lines of JSON; one, unless it is a bulk request. */
  // deno-lint-ignore no-explicit-any -- As the server would parse them.
  readonly lines: readonly any[];
}

/** An answer's body; with another status than 200 if it has one. */
export type Answer = (asked: Asked) => object;

/** A running server. */
export interface FakeServer extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
  /** The requests since it was last emptied. */
  readonly asked: Asked[];
  /** Makes the answers from now on. */
  answer: Answer;
}

/** Starts a server on a free port. */
export function fakeServer(answer: Answer): FakeServer {
  const asked: Asked[] = [];
  const fake = { asked, answer };
  const handler = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    const text = await request.text();
    const one: Asked = {
      what: `${request.method} ${decodeURIComponent(pathname)}`,
      params: Object.fromEntries(searchParams),
      lines: text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)),
    };
    asked.push(one);
    const body = fake.answer(one);
    return Response.json(body, {
      status: "status" in body ? Number(body.status) : 200,
      headers: { "x-elastic-product": "Elasticsearch" },
    });
  };
  // A graceful end would wait for the connections that the client keeps.
  const end = new AbortController();
  const options = { hostname: "127.0.0.1", port: 0, onListen() {}, signal: end.signal };
  const server = Deno.serve(options, handler);
  return Object.assign(fake, {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => {
      end.abort();
      return server.finished;
    },
  });
}
