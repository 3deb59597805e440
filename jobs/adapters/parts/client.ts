/**
 * The folds of speed, asked over HTTP.
 *
 * A round asks all sources at once, so there is nothing to hedge: whoever could answer in another
 * one's place has been asked already, and of several answers for one part the newest is taken.
 * What hedging is for, not to wait for the slowest, is a rule of its own: see {@linkcode Coverage}.
 * A source that does not answer in time is asked once more: see {@linkcode Source}.
 *
 * @module
 */

import type { LiveParts, PartAnswer, PartsRequest } from "@pipeline/protocol";
import {
  type Clock,
  type Closable,
  type CounterMetric,
  type HistogramMetric,
  type Logger,
  type Metrics,
  systemClock,
  withTimeout,
} from "@pipeline/runtime";
import { Addresses, type Resolve, resolveInDns } from "./_addresses.ts";
import { addressName } from "./_connection.ts";
import { Coverage } from "./_coverage.ts";
import { isWithinBounds, prepare } from "./_joined.ts";
import { type Asked, RESULTS, Source } from "./_source.ts";
import { type PartsConfig, partsConfig, type PartsInput } from "./config.ts";

/** Options of the client besides its configuration. */
export interface PartsOptions {
  /** Measures time; the machine's clock by default. */
  readonly clock?: Pick<Clock, "monotonic" | "sleep">;
  /** Logs sources that fail, and their return. */
  readonly logger?: Logger;
  /** Gets `parts_requests_total`, `parts_seconds` and `parts_sources`. */
  readonly metrics?: Metrics;
  /** Finds the addresses of a host's name; in DNS by default. */
  readonly resolve?: Resolve;
}

/** Milliseconds for which the other sources are awaited once all parts are covered. */
const REST = 20;

/**
 * Opens a client of speed's folds. Connects on the first question.
 *
 * @param config in the form of {@linkcode partsConfig}, with or without defaults filled in.
 */
export function openParts(
  config: PartsInput | PartsConfig = {},
  options: PartsOptions = {},
): PartsClient {
  return new PartsClient(partsConfig.parse(config), options);
}

/** The folds of speed, asked over HTTP. Use {@linkcode openParts}. */
export class PartsClient implements LiveParts, Closable {
  readonly #config: PartsConfig;
  readonly #clock: Pick<Clock, "monotonic" | "sleep">;
  readonly #logger: Logger | undefined;
  readonly #addresses: Addresses;
  readonly #requests: CounterMetric<{ readonly result: typeof RESULTS }> | undefined;
  readonly #seconds: HistogramMetric<Record<never, never>> | undefined;
  /** By host and port. */
  readonly #sources = new Map<string, Source>();
  /** Those without an address any more that still answer. */
  readonly #retiring = new Set<Source>();
  readonly #logged = new Set<string>();

  /** Takes a complete configuration. */
  constructor(config: PartsConfig, options: PartsOptions = {}) {
    const { clock = systemClock, logger, metrics, resolve = resolveInDns } = options;
    this.#config = config;
    this.#clock = clock;
    this.#logger = logger;
    this.#requests = metrics?.counter("parts_requests_total", {
      help: "Requests to processes of speed for live parts, by how they ended.",
      labels: { result: RESULTS },
    });
    this.#seconds = metrics?.histogram("parts_seconds", {
      help: "Time in which live parts were asked for, until enough processes had answered.",
    });
    metrics?.gauge("parts_sources", {
      help: "Processes of speed that are asked for live parts.",
      collect: (gauge) => gauge.set(this.#sources.size),
    });
    this.#addresses = new Addresses(config.urls, {
      resolve,
      clock,
      logger,
      interval: config.resolveInterval,
      changed: () => this.#follow(),
    });
    this.#follow();
  }

  /**
   * Asks all sources. See {@linkcode LiveParts}; a request beyond `PARTS_BOUNDS` is not sent and has
   * no answers. Takes at most three times the configured timeout: one for the first addresses, and
   * two for the request, which may wait for another one, and is repeated after a time-out.
   */
  async ask(request: PartsRequest): Promise<readonly PartAnswer[]> {
    const asked: Asked = { ...prepare(request), over: false };
    if (!isWithinBounds(asked)) {
      this.#logOnce("A request for live parts exceeds the bounds of one request");
      return [];
    }
    const began = this.#clock.monotonic();
    await this.#find();
    const answers = await this.#round(asked);
    this.#seconds?.observe((this.#clock.monotonic() - began) / 1_000);
    return answers;
  }

  /** Abandons all requests, which then have no answers, and closes all connections. */
  async close(): Promise<void> {
    await this.#addresses.close();
    const sources = [...this.#sources.values(), ...this.#retiring];
    this.#sources.clear();
    await Promise.all(sources.map((source) => source.close()));
  }

  /** Looks for new addresses if that is due. Waits for them only if there are none yet. */
  async #find(): Promise<void> {
    const found = this.#addresses.refresh();
    if (this.#addresses.isKnown) return;
    const { timeout } = this.#config;
    const limits = { ms: timeout, what: "The first look-up", clock: this.#clock };
    await withTimeout(() => found, limits).catch(() => {});
  }

  async #round(asked: Asked): Promise<readonly PartAnswer[]> {
    const sources = [...this.#sources.values()];
    const coverage = new Coverage(sources.map((source) => [source, source.held(asked)]));
    const answers: PartAnswer[] = [];
    const done = Promise.withResolvers<void>();
    const timers = new AbortController();
    const endIn = (ms: number) => this.#clock.sleep(ms, timers.signal).then(done.resolve, () => {});
    let outstanding = sources.length;
    let covered = false;
    for (const source of sources) {
      source.ask(asked).then((parts) => {
        if (asked.over) return;
        outstanding--;
        answers.push(...parts);
        coverage.add(source, parts);
        if (outstanding === 0) return done.resolve();
        if (covered || !coverage.isComplete) return;
        covered = true;
        endIn(REST);
      });
    }
    if (outstanding === 0) done.resolve();
    else endIn(2 * this.#config.timeout);
    await done.promise;
    asked.over = true;
    timers.abort();
    return answers;
  }

  /** Makes one source of each address, and retires those whose address is gone. */
  #follow(): void {
    const { timeout, maxSources } = this.#config;
    const all = this.#addresses.all;
    if (all.length > maxSources) {
      this.#logOnce(`More than ${maxSources} addresses of speed: the others are not asked`);
    }
    const found = new Map(
      all.slice(0, maxSources).map((address) => [addressName(address), address]),
    );
    for (const [name, source] of this.#sources) {
      if (found.has(name)) continue;
      this.#sources.delete(name);
      this.#retiring.add(source);
      source.retire().then(() => this.#retiring.delete(source));
    }
    for (const [name, address] of found) {
      if (this.#sources.has(name)) continue;
      this.#sources.set(
        name,
        new Source(address, {
          timeout,
          clock: this.#clock,
          logger: this.#logger,
          count: (result) => this.#requests?.add(1, { result }),
          failed: () => void this.#addresses.refresh(true),
        }),
      );
    }
  }

  #logOnce(message: string): void {
    if (this.#logged.has(message)) return;
    this.#logged.add(message);
    this.#logger?.warn(message);
  }
}
