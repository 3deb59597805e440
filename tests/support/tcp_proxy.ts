/**
 * TCP proxies in front of brokers, which tests tell to cut connections: at any time, or in
 * place of the answer to a request that the broker has carried out.
 *
 * @module
 */

import type { Proxied } from "@pipeline/tools/servers";
import { pause } from "./demo.ts";

/** Number of the request that appends records (Kafka protocol, API keys). */
export const PRODUCE = 0;

/** Number of the request that reads records. */
export const FETCH = 1;

/** Answers to lose. */
interface Loss {
  readonly count: number;
  /** Index of the broker; any where there is none. */
  readonly broker: number | undefined;
}

/** How long answers are held back. */
interface Delay {
  readonly ms: number;
  /** Index of the broker. */
  readonly broker: number;
}

type Connection = Deno.TcpConn | Deno.TlsConn;
type Listener = Deno.TcpListener | Deno.TlsListener;

/** A proxy in front of each broker. */
export class BrokerProxies implements AsyncDisposable {
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<Connection>();
  readonly #running = new Set<Promise<void>>();
  readonly #proxied: readonly Proxied[];
  /** Answers that are to be lost, by the request's API key. */
  #losses = new Map<number, Loss>();
  /** Answers that are held back, by the request's API key. */
  readonly #delays = new Map<number, Delay>();
  #lost = 0;
  /** Changes answers in place, by the request's API key. */
  readonly #changes = new Map<number, (answer: Uint8Array) => void>();

  /**
   * Listens where the brokers say that they are for whoever comes through proxies.
   *
   * @param tls certificate and key, both PEM, where clients are to encrypt.
   */
  constructor(
    proxied: readonly Proxied[],
    tls?: { readonly cert: string; readonly key: string },
  ) {
    this.#proxied = proxied;
    for (const [broker, { proxy, behind }] of proxied.entries()) {
      const at = address(proxy);
      const listener = tls === undefined ? Deno.listen(at) : Deno.listenTls({ ...at, ...tls });
      this.#listeners.push(listener);
      this.#track(this.#accept(listener, { behind, broker }));
    }
  }

  /** Where clients begin. */
  get brokers(): string[] {
    return this.#proxied.map(({ proxy }) => proxy);
  }

  /** Answers lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** Cuts the connection in place of the next answers to requests of one kind, of any broker by default. */
  loseAnswers(apiKey: number, { count = 1, broker }: Partial<Loss> = {}): void {
    this.#losses.set(apiKey, { count, broker });
  }

  /** Holds back a broker's answers to requests of one kind. */
  delayAnswers(apiKey: number, delay: Delay | undefined): void {
    if (delay === undefined) this.#delays.delete(apiKey);
    else this.#delays.set(apiKey, delay);
  }

  /** Changes the bytes of all answers to requests of one kind, until it is told nothing. */
  change(apiKey: number, change: ((answer: Uint8Array) => void) | undefined): void {
    if (change === undefined) this.#changes.delete(apiKey);
    else this.#changes.set(apiKey, change);
  }

  /** Cuts all connections that are open now. Returns their number. */
  cut(): number {
    const open = [...this.#connections];
    for (const connection of open) this.#close(connection);
    return open.length / 2;
  }

  /** Ends them. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    this.cut();
    await Promise.all(this.#running);
  }

  #track(work: Promise<void>): void {
    const running = work.catch(() => {}).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #accept(
    listener: Listener,
    { behind, broker }: { readonly behind: string; readonly broker: number },
  ): Promise<void> {
    for (;;) {
      const client = await accepted(listener);
      if (client === undefined) return;
      this.#track((async () => {
        const server = await Deno.connect(address(behind)).catch(() => undefined);
        if (server === undefined) return client.close();
        server.setNoDelay(true);
        for (const connection of [client, server]) this.#connections.add(connection);
        // Correlation ids of requests by what they ask.
        const asked = new Map<number, number>();
        const both = () => [client, server].forEach((connection) => this.#close(connection));
        await Promise.all([
          this.#pass(client, server, (frame) => {
            const view = new DataView(frame.buffer, frame.byteOffset);
            asked.set(view.getInt32(8), view.getInt16(4));
            return true;
          }).finally(both),
          this.#pass(server, client, async (frame) => {
            const id = new DataView(frame.buffer, frame.byteOffset).getInt32(4);
            const key = asked.get(id);
            asked.delete(id);
            if (key === undefined) return true;
            this.#changes.get(key)?.(frame);
            if (this.#loses(key, broker)) return false;
            const delay = this.#delays.get(key);
            if (delay?.broker === broker) await pause(delay.ms);
            return true;
          }).finally(both),
        ]);
      })());
    }
  }

  #loses(key: number, broker: number): boolean {
    const loss = this.#losses.get(key);
    if (loss === undefined || loss.count === 0 || (loss.broker ?? broker) !== broker) return false;
    this.#losses.set(key, { ...loss, count: loss.count - 1 });
    this.#lost++;
    return true;
  }

  /** Passes whole frames on: a length of four bytes, and as many. Ends at the first one refused. */
  async #pass(
    from: Connection,
    to: Connection,
    look: (frame: Uint8Array) => boolean | Promise<boolean>,
  ): Promise<void> {
    let held = new Uint8Array();
    for await (const chunk of from.readable) {
      const bytes = new Uint8Array(held.length + chunk.length);
      bytes.set(held);
      bytes.set(chunk, held.length);
      let at = 0;
      while (bytes.length - at >= 4) {
        const end = at + 4 + new DataView(bytes.buffer).getInt32(at);
        if (end > bytes.length) break;
        if (!await look(bytes.subarray(at, end))) return;
        await writeAll(to, bytes.subarray(at, end));
        at = end;
      }
      held = bytes.slice(at);
    }
  }

  #close(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // Its other side was quicker.
    }
  }
}

/** The next connection; none once the listener is closed. A handshake that failed is nobody's. */
async function accepted(listener: Listener): Promise<Connection | undefined> {
  for (;;) {
    try {
      return await listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return undefined;
    }
  }
}

function address(endpoint: string): { hostname: string; port: number } {
  const [hostname, port] = endpoint.split(":") as [string, string];
  return { hostname, port: Number(port) };
}

async function writeAll(to: Connection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
