/**
 * Live records while the pipeline runs, and their latencies.
 *
 * @module
 */

import {
  openLedger,
  type RateProfile,
  type RealtimeOptions,
  RealtimeProducer,
  type RealtimeStatus,
} from "@pipeline/generator";
import { systemClock } from "@pipeline/runtime";
import { ledgerPath } from "./data_folder.ts";
import { VisibilityProbe } from "./latency.ts";
import type { Pipeline } from "./pipeline.ts";

/** Parameters of live records. */
export interface LiveOptions {
  /** Folder of all stored data, including the ledger. */
  readonly folder: string;
  /** Seed, population and run number. */
  readonly model: Omit<RealtimeOptions, "rate" | "duration">;
  /** The rate of records. */
  readonly rate: RateProfile;
  /** Milliseconds between two queries of the API. */
  readonly probeInterval: number;
  /** Milliseconds at the beginning whose records are not measured. */
  readonly warmUp: number;
  /** Ends producing. */
  readonly signal: AbortSignal;
}

/** A producer, and a probe that queries the API. */
export class Live {
  /** Measures how long records take to become visible. */
  readonly probe = new VisibilityProbe();
  /** Resolves once all produced records are acknowledged and in the ledger. */
  readonly done: Promise<RealtimeStatus>;
  readonly #producer: RealtimeProducer;
  readonly #probing = new AbortController();
  readonly #probed: Promise<void>;

  private constructor(
    producer: RealtimeProducer,
    done: Promise<RealtimeStatus>,
    probe: (live: Live) => Promise<void>,
  ) {
    this.#producer = producer;
    this.done = done;
    this.#probed = probe(this);
  }

  /** Starts producing. */
  static async start(pipeline: Pipeline, options: LiveOptions): Promise<Live> {
    const { model, rate, signal } = options;
    const warm = Date.now() + options.warmUp;
    const ledger = await openLedger(ledgerPath(options.folder));
    // deno-lint-ignore prefer-const -- the callback below names it before it is there
    let live: Live;
    const producer = new RealtimeProducer(pipeline.ports.log, { ...model, rate }, {
      ledger,
      signal,
      onDelivered: ({ records, acknowledgements }) => {
        for (const [i, { topic, partition, offset }] of acknowledgements.entries()) {
          const { scheduled } = records[i]!;
          if (scheduled >= warm) live.probe.acknowledged(topic, partition, offset, scheduled);
        }
      },
    });
    const done = producer.run().finally(() => ledger.close());
    done.catch(() => {});
    live = new Live(
      producer,
      done,
      (self) => self.#ask(`${pipeline.url}/v1/status`, options.probeInterval),
    );
    return live;
  }

  /** Progress of the producer. */
  status(): RealtimeStatus {
    return this.#producer.status();
  }

  /** Stops the probe. */
  async close(): Promise<void> {
    this.#probing.abort();
    await this.#probed;
  }

  async #ask(url: string, interval: number): Promise<void> {
    const { signal } = this.#probing;
    while (!signal.aborted) {
      try {
        const response = await fetch(url, { signal });
        const body = await response.json();
        if (response.ok) this.probe.visible(body.provenance.folded, Date.now());
        await systemClock.sleep(interval, signal);
      } catch {
        // The API is stopping, or slow: later answers will show the records, with their full
        // latency.
        if (!signal.aborted) await systemClock.sleep(interval, signal).catch(() => {});
      }
    }
  }
}
