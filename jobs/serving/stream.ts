/**
 * Server-sent events: one summary a second, made once for all clients and only while there are any.
 * Memory is bounded: a client that does not read misses events and is then dropped, and the number
 * of clients is limited.
 *
 * @module
 */

import type { Clock } from "@pipeline/runtime";
import { Problem } from "./problem.ts";

/** One event: its name, and data that is sent as JSON. */
export interface StreamEvent {
  /** The event type that clients subscribe to. */
  readonly event: string;
  /** The data, sent as JSON. */
  readonly data: unknown;
}

/** Options of {@linkcode EventHub}. */
export interface EventHubOptions {
  /** Makes the event for all clients. It must not throw. */
  readonly make: () => Promise<StreamEvent>;
  /** Times the events. */
  readonly clock: Pick<Clock, "sleep" | "monotonic">;
  /** Milliseconds between two events; 1,000 by default. */
  readonly interval?: number;
  /** Most clients at a time. */
  readonly maxClients: number;
  /** Events that a client may miss in a row before it is dropped; 15 by default. */
  readonly patience?: number;
}

interface Client {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  missed: number;
}

const encoder = new TextEncoder();

/** Sends the same events to all clients. */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #clients = new Set<Client>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #last: Uint8Array | undefined;

  /** Nothing runs until there is a client. */
  constructor(options: EventHubOptions) {
    this.#options = options;
  }

  /** Number of clients. */
  get clients(): number {
    return this.#clients.size;
  }

  /**
   * Adds a client.
   *
   * @throws {Problem} 503 if the limit of clients is reached, or the hub is closed.
   */
  connect(): ReadableStream<Uint8Array> {
    const { maxClients } = this.#options;
    if (this.#stop.signal.aborted) throw new Problem(503, "The server is stopping");
    if (this.#clients.size >= maxClients) {
      const detail = `${maxClients} clients follow the stream already: no more are allowed`;
      throw new Problem(503, detail, { retryAfter: 10 });
    }
    let client: Client;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        client = { controller, missed: 0 };
        this.#clients.add(client);
        // Browsers reconnect by themselves, after this time.
        controller.enqueue(encoder.encode("retry: 2000\n\n"));
        if (this.#last !== undefined) controller.enqueue(this.#last);
        this.#running ??= this.#run();
      },
      cancel: () => void this.#clients.delete(client),
    }, new CountQueuingStrategy({ highWaterMark: 4 }));
  }

  /** Ends all streams. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const client of this.#clients) this.#drop(client);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { make, clock, interval = 1000 } = this.#options;
    const { signal } = this.#stop;
    while (this.#clients.size > 0 && !signal.aborted) {
      const start = clock.monotonic();
      const { event, data } = await make();
      this.#last = encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      this.#send(this.#last);
      const left = Math.max(interval / 10, interval - (clock.monotonic() - start));
      await clock.sleep(left, signal).catch(() => {});
    }
    this.#running = undefined;
    this.#last = undefined;
  }

  #send(bytes: Uint8Array): void {
    const { patience = 15 } = this.#options;
    for (const client of this.#clients) {
      if ((client.controller.desiredSize ?? 0) > 0) {
        client.missed = 0;
        client.controller.enqueue(bytes);
      } else if (++client.missed >= patience) {
        this.#drop(client);
      }
    }
  }

  #drop(client: Client): void {
    this.#clients.delete(client);
    try {
      client.controller.error(new Problem(503, "The client did not read the stream"));
    } catch {
      // The client has disconnected meanwhile.
    }
  }
}
