/**
 * Records a second, from the movement of offsets between two samples.
 *
 * @module
 */

import { distance, eachOffset, type OffsetVector, TOPICS } from "@pipeline/core";
import type { Clock } from "@pipeline/runtime";
import type { FoldedOffsets, Provenance } from "./reading/provenance.ts";

/** Records a second; `null` if unknown. */
export interface Rates {
  /** Appended to the log. */
  readonly produced: number | null;
  /** Written to the master dataset. */
  readonly ingested: number | null;
  /** Folded by speed. */
  readonly folded: number | null;
}

/** A sample of offsets at one moment. */
export interface Look {
  /** Generation and folded offsets. */
  readonly provenance: Pick<Provenance, "generation" | "folded">;
  /** The end of the log. */
  readonly ends: OffsetVector | undefined;
  /** How far the dataset is, if known; -1 for unknown partitions. */
  readonly ingested?: OffsetVector | undefined;
}

interface Sample {
  readonly time: number;
  readonly generation: number;
  readonly folded: number;
  readonly ends: OffsetVector | undefined;
}

/** Milliseconds that rates are averaged over. */
const SPAN = 5000;

/** The same for ingestion, which moves in flushes that are seconds apart. */
const INGESTED_SPAN = 60_000;

/** Over a shorter span, a single flush would dominate. */
const LEAST_INGESTED_SPAN = 10_000;

/** Keeps the samples of the last few seconds. */
export class Throughput {
  readonly #clock: Pick<Clock, "monotonic">;
  #samples: Sample[] = [];
  #ingested: { readonly time: number; readonly offsets: OffsetVector }[] = [];

  /** The clock measures the age of samples. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** The rates as of this sample. */
  rates({ provenance, ends, ingested }: Look): Rates {
    const { generation } = provenance;
    const now = { time: this.#clock.monotonic(), generation, folded: sum(provenance.folded), ends };
    // Offsets of two generations cannot be compared.
    this.#samples = this.#samples.filter((s) =>
      s.generation === generation && now.time - s.time <= SPAN
    );
    this.#samples.push(now);
    const first = this.#samples[0]!;
    const seconds = (now.time - first.time) / 1000;
    const rate = (records: number) => seconds > 0 ? Math.round(records / seconds) : null;
    return {
      produced: first.ends && ends ? rate(distance(first.ends, ends)) : null,
      ingested: this.#ingestedRate(now.time, ingested),
      folded: rate(Math.max(0, now.folded - first.folded)),
    };
  }

  #ingestedRate(time: number, offsets: OffsetVector | undefined): number | null {
    this.#ingested = this.#ingested.filter((sample) => time - sample.time <= INGESTED_SPAN);
    if (offsets === undefined) return null;
    this.#ingested.push({ time, offsets });
    let rate: number | null = null;
    for (const { topic, partition, offset } of eachOffset(offsets)) {
      const first = this.#ingested.find((sample) => (sample.offsets[topic][partition] ?? -1) >= 0);
      if (first === undefined || time - first.time < LEAST_INGESTED_SPAN) continue;
      const records = Math.max(0, offset - first.offsets[topic][partition]!);
      rate = (rate ?? 0) + records / ((time - first.time) / 1000);
    }
    return rate === null ? null : Math.round(rate);
  }
}

function sum(offsets: FoldedOffsets): number {
  return TOPICS.flatMap((topic) => offsets[topic]).reduce<number>((a, b) => a + (b ?? 0), 0);
}
