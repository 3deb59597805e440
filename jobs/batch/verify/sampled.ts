/**
 * A bounded verification: a sample of the served documents, with the part of dataset and log that
 * it needs.
 *
 * @module
 */

import type { Folded, Manifest } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";
import type { Memory, MemoryReport } from "./memory.ts";
import type { Differences } from "./report.ts";
import type { Sample } from "./sample.ts";
import { type BatchSample, verifyBatchSample } from "./sampled_batch.ts";
import { type SpeedSample, verifySpeedSample } from "./sampled_speed.ts";
import type { WatchedPorts } from "./watched.ts";

/** Report on a bounded verification. */
export interface SampleReport extends Sample {
  /** Sample of batch's part. */
  readonly batch: BatchSample;
  /** Sample of speed's part. */
  readonly speed: SpeedSample;
  /** Statements that it proves. */
  readonly proves: readonly string[];
  /** Statements that it leaves open. */
  readonly leaves: readonly string[];
}

/** Verifies a sample of a generation. */
export async function verifySample(
  { log, dataset, store }: WatchedPorts,
  { manifest, folded, memory, sample, differences, clock }: {
    readonly manifest: Manifest;
    readonly folded: readonly Folded[];
    readonly memory: Memory;
    readonly sample: Sample;
    readonly differences: Differences;
    readonly clock: Clock;
  },
  onStep: (what: string) => void,
): Promise<SampleReport> {
  const work = { store, manifest, sample, differences };
  onStep("comparing a sample of speed's documents with the log");
  const speed = await verifySpeedSample(log, { ...work, folded, memory, clock });
  onStep("comparing a sample of batch's documents with the dataset");
  const batch = await verifyBatchSample(dataset, work);
  return { ...sample, batch, speed, ...scope(batch, speed, memory.report) };
}

/** The scope in words, for readers of the report. */
function scope(
  batch: BatchSample,
  speed: SpeedSample,
  memory: MemoryReport,
): Pick<SampleReport, "proves" | "leaves"> {
  const whole = batch.bounded === 0 && batch.hours === batch.of_hours;
  const read = speed.records === speed.of_records;
  const proves = [
    whole
      ? "batch: the sampled documents equal a recomputation from the whole dataset"
      : `batch: in ${batch.hours} of ${batch.of_hours} hours, windows equal a recomputation, and ` +
        "the latest versions are those of the records",
    ...(whole ? [] : [
      "batch: no sampled total, window or version is smaller or older than the records that were read, " +
      "and days and totals equal the sums of their parts",
    ]),
    `speed: the sampled documents equal the log in ${speed.partitions} of ` +
    `${speed.of_partitions} partitions`,
    ...(memory.parts === 0 ? [] : [
      `memory: the sampled documents equal the log in ${memory.parts} of ${memory.of_parts} parts`,
    ]),
  ];
  const leaves = [
    "documents beyond the sample",
    ...(whole
      ? []
      : ["batch: windows and versions whose hours were not read, but for those bounds"]),
    ...(read ? [] : ["speed: records folded beyond those that were read"]),
    ...(memory.asked ? [] : ["memory: no folds could be asked"]),
    ...(memory.asked && memory.parts < memory.of_parts
      ? ["memory: parts that did not answer, or beyond the records that were read"]
      : []),
    "merged values",
  ];
  return { proves, leaves };
}
