/**
 * A process of speed as its client sees it: it answers as told, when told.
 *
 * @module
 */

import type { Topic } from "@pipeline/core";
import type { PartAnswer, PartDocuments, PartsRequest } from "@pipeline/protocol";

/** A request that is not answered before it is released. */
export interface Held {
  /** Resolves when the request has arrived. */
  readonly arrived: Promise<void>;
  /** Lets the answer go. */
  release(): void;
}

/** Options of {@linkcode Pod}. */
export interface PodOptions {
  /** 127.0.0.1 by default. */
  readonly hostname?: string;
  /** A free one by default. */
  readonly port?: number;
}

/** An answer of a part that has counted nothing. It answers each question with the question itself. */
export function echo(
  partition: number,
  next_offset: number,
  { questions, topic = "reddit.posts" }: Pick<PartsRequest, "questions"> & { topic?: Topic },
): PartAnswer {
  const counts = { records: 0, dead_letters: 0, duplicates: 0, retired: 0, unresolved: 0, keys: 0 };
  const answers = questions.map((question) => [question] as unknown as PartDocuments);
  return { topic, partition, next_offset, ...counts, answers };
}

/** A server that runs during a test. */
export class Pod implements AsyncDisposable {
  /** The requests that have arrived. */
  readonly requests: PartsRequest[] = [];
  /** Methods and paths of the requests. */
  readonly lines: string[] = [];
  /** Ports of the connections that the requests came over. */
  readonly connections = new Set<number>();
  /** Answers a request; with partition 0 at offset 1 by default. */
  answer: (request: PartsRequest) => Response | readonly PartAnswer[] = (request) => [
    echo(0, 1, request),
  ];
  readonly #held: PromiseWithResolvers<void>[][] = [];
  readonly #open = new Set<PromiseWithResolvers<void>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Starts to listen. */
  constructor({ hostname = "127.0.0.1", port = 0 }: PodOptions = {}) {
    this.#server = Deno.serve(
      { hostname, port, onListen: () => {} },
      (request, { remoteAddr }) => {
        this.connections.add((remoteAddr as Deno.NetAddr).port);
        return this.#handle(request);
      },
    );
  }

  /** Port that it listens on. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** URL of the server. */
  get url(): string {
    return `http://${this.#server.addr.hostname}:${this.port}`;
  }

  /** Holds the next request. Of several calls, each holds one further request. */
  hold(): Held {
    const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#held.push([arrived, released]);
    this.#open.add(released);
    return { arrived: arrived.promise, release: released.resolve };
  }

  /** Releases all requests, and ends the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const released of this.#open) released.resolve();
    await this.#server.shutdown();
  }

  async #handle(request: Request): Promise<Response> {
    this.lines.push(`${request.method} ${new URL(request.url).pathname}`);
    const asked: PartsRequest = await request.json();
    this.requests.push(asked);
    const [arrived, released] = this.#held.shift() ?? [];
    arrived?.resolve();
    await released?.promise;
    const answer = this.answer(asked);
    return answer instanceof Response ? answer : Response.json({ parts: answer });
  }
}
