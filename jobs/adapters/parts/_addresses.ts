/**
 * The addresses behind the URLs of speed: what DNS has for their hosts, looked up again and again.
 *
 * A look-up that fails or finds nothing leaves the earlier addresses in use. An outage of DNS then
 * hides no process that answers, and one that has ended is left out by its failures.
 *
 * @module
 */

import { type Clock, errorText, type Logger, withTimeout } from "@pipeline/runtime";
import { type Address, addressName } from "./_connection.ts";

/** Finds all addresses of a host's name, of both families. Rejects if there are none. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Options of {@linkcode Addresses}. */
export interface AddressesOptions {
  readonly resolve: Resolve;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly logger?: Logger | undefined;
  /** Milliseconds between two look-ups. */
  readonly interval: number;
  /** Called after each look-up. */
  readonly changed: () => void;
}

/** Milliseconds after which a look-up is abandoned. */
const TIMEOUT = 5_000;

/** A URL with the addresses of its host. */
interface Place {
  readonly host: string;
  readonly port: number;
  /** Whether the host is a name to look up. */
  readonly isName: boolean;
  /** As they are used in URLs. */
  addresses: readonly string[];
  failing: boolean;
}

/** Looks up the hosts of URLs. */
export class Addresses {
  readonly #o: AddressesOptions;
  readonly #places: readonly Place[];
  readonly #life = new AbortController();
  #looking: Promise<void> | undefined;
  #looked = -Infinity;
  #known: boolean;

  constructor(urls: readonly string[], options: AddressesOptions) {
    this.#o = options;
    this.#places = urls.map(placeOf);
    this.#known = !this.#places.some(({ isName }) => isName);
  }

  /** Whether each name was looked up at least once. */
  get isKnown(): boolean {
    return this.#known;
  }

  /** All addresses, without repetitions, in a fixed order. */
  get all(): readonly Address[] {
    const found = new Map<string, Address>();
    for (const { addresses, port } of this.#places) {
      for (const host of addresses) found.set(addressName({ host, port }), { host, port });
    }
    return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, address]) => address);
  }

  /**
   * Looks the names up, unless the last look-up began less than an interval ago. Resolves when no
   * look-up is running; never rejects.
   *
   * @param early does not wait for the interval.
   */
  async refresh(early = false): Promise<void> {
    const { clock, interval, changed } = this.#o;
    const names = this.#places.filter(({ isName }) => isName);
    const isDue = early || clock.monotonic() - this.#looked >= interval;
    if (this.#looking === undefined && isDue && names.length > 0 && !this.#life.signal.aborted) {
      this.#looked = clock.monotonic();
      this.#looking = Promise.all(names.map((place) => this.#look(place))).then(() => {
        this.#looking = undefined;
        this.#known = true;
        if (!this.#life.signal.aborted) changed();
      });
    }
    await this.#looking;
  }

  /** Abandons a look-up. */
  async close(): Promise<void> {
    this.#life.abort();
    await this.#looking;
  }

  async #look(place: Place): Promise<void> {
    const { resolve, clock, logger } = this.#o;
    const { host } = place;
    try {
      const found = await withTimeout((signal) => resolve(host, signal), {
        ms: TIMEOUT,
        what: `The look-up of ${host}`,
        signal: this.#life.signal,
        clock,
      });
      if (found.length === 0) throw new Error(`${host} has no address`);
      place.addresses = found.map((address) => address.includes(":") ? `[${address}]` : address);
      place.failing = false;
    } catch (error) {
      if (this.#life.signal.aborted || place.failing) return;
      place.failing = true;
      logger?.warn("No addresses of a host of speed", { host, why: errorText(error) });
    }
  }
}

function placeOf(text: string): Place {
  const { hostname, port } = new URL(text);
  const isName = !/^(\[.*\]|[\d.]+|localhost)$/.test(hostname);
  return {
    host: hostname,
    port: port === "" ? 80 : Number(port),
    isName,
    addresses: isName ? [] : [hostname],
    failing: false,
  };
}

/**
 * Asks the name servers of the machine, with its search list. Names that only its hosts file has
 * are not found.
 */
export async function resolveInDns(name: string, signal: AbortSignal): Promise<readonly string[]> {
  const found = await Promise.allSettled([
    Deno.resolveDns(name, "A", { signal }),
    Deno.resolveDns(name, "AAAA", { signal }),
  ]);
  const addresses = found.flatMap((family) => family.status === "fulfilled" ? family.value : []);
  const [failure] = found.flatMap((family) => family.status === "rejected" ? [family.reason] : []);
  if (addresses.length === 0 && failure !== undefined) throw failure;
  return addresses;
}
