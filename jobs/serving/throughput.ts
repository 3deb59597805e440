/**
 * Records a second, from how offsets move between two looks at them.
 *
 * @module
 */

import { distance, eachOffset, type OffsetVector, TOPICS } from "@pipeline/core";
import type { Clock } from "@pipeline/runtime";
import type { FoldedOffsets, Provenance } from "./queries/reading.ts";

/** Records a second; `null` where not known. */
export interface Rates {
  /** Appended to the log. */
  readonly produced: number | null;
  /** Written to the master dataset. */
  readonly ingested: number | null;
  /** Folded by speed. */
  readonly folded: number | null;
}

/** What is known at one moment. */
export interface Look {
  /** Generation and folded offsets. */
  readonly provenance: Pick<Provenance, "generation" | "folded">;
  /** The end of the log. */
  readonly ends: OffsetVector | undefined;
  /** How far the dataset is, where it is known; -1 where it is not. */
  readonly ingested?: OffsetVector | undefined;
  /** What somebody measured, which then counts. */
  readonly measured?: {
    readonly produced_per_second?: number;
    readonly ingested_per_second?: number;
    readonly folded_per_second?: number;
  } | undefined;
}

interface Sample {
  readonly time: number;
  readonly generation: number;
  readonly folded: number;
  readonly ends: OffsetVector | undefined;
}

/** Milliseconds that rates are averaged over. */
const SPAN = 5000;

/** Of what comes in flushes, which are seconds apart. */
const INGESTED_SPAN = 60_000;

/** Below that, a flush more or less would decide. */
const LEAST_INGESTED_SPAN = 10_000;

/** Remembers the looks of the last few seconds. */
export class Throughput {
  readonly #clock: Pick<Clock, "monotonic">;
  #samples: Sample[] = [];
  #ingested: { readonly time: number; readonly offsets: OffsetVector }[] = [];

  /** The clock tells how long ago a look was. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** The rates as of this look. */
  rates({ provenance, ends, ingested, measured }: Look): Rates {
    const { generation } = provenance;
    const now = { time: this.#clock.monotonic(), generation, folded: sum(provenance.folded), ends };
    // Folds of two generations are at different offsets.
    this.#samples = this.#samples.filter((s) =>
      s.generation === generation && now.time - s.time <= SPAN
    );
    this.#samples.push(now);
    const first = this.#samples[0]!;
    const seconds = (now.time - first.time) / 1000;
    const rate = (records: number) => seconds > 0 ? Math.round(records / seconds) : null;
    const produced = first.ends && ends ? rate(distance(first.ends, ends)) : null;
    return {
      produced: measured?.produced_per_second ?? produced,
      ingested: measured?.ingested_per_second ?? this.#ingestedRate(now.time, ingested),
      folded: measured?.folded_per_second ?? rate(Math.max(0, now.folded - first.folded)),
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
