/**
 * Proves, or refutes, that the served documents agree with the records.
 *
 * @module
 */

import {
  type EventLog,
  type MasterDataset,
  type OffsetVector,
  PipelineError,
  type ServingStore,
} from "@pipeline/core";
import { type Clock, systemClock } from "@pipeline/runtime";
import {
  type Folded,
  foldedVector,
  type LiveParts,
  type Manifest,
  partitionsOf,
  readFolded,
  readManifest,
} from "@pipeline/protocol";
import { recompute, verifyBatchPart } from "./batch_part.ts";
import { type LedgerCheck, type LedgerEntry, verifyLedger } from "./ledger.ts";
import { Memory, type MemoryReport } from "./memory.ts";
import { type Merged, verifyMerged } from "./merged.ts";
import { type Difference, Differences } from "./report.ts";
import type { Sample } from "./sample.ts";
import { type SampleReport, verifySample } from "./sampled.ts";
import { verifySpeedPart } from "./speed_part.ts";
import { type ReadCounts, TimeUpError, Watch, type WatchedPorts } from "./watched.ts";

/** Dependencies and scope of a verification. */
export interface VerifyOptions {
  /** Where records, commits and states are stored. */
  readonly dataset: MasterDataset;
  /** The source of the records. */
  readonly log: EventLog;
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** The folds that can be asked; without them, memory is not checked. */
  readonly parts?: LiveParts;
  /**
   * Check this many keys per view, and read only the data that they need; everything by default.
   */
  readonly sample?: Partial<Sample> & Pick<Sample, "keys">;
  /** Time limit in milliseconds; the verification then ends with its results so far. */
  readonly within?: number | undefined;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** Also check merged values. Only while there are no writes. */
  readonly merged?: boolean;
  /** Also check these acknowledged records against the dataset. */
  readonly ledger?: AsyncIterable<LedgerEntry>;
}

/** Result of a verification. */
export interface VerifyReport {
  /** Whether nothing differs in everything in scope. */
  readonly exact: boolean;
  /**
   * The step that was interrupted by the time limit; then figures are missing, and the rest was not
   * verified.
   */
  readonly unfinished?: string;
  /** Counts from 1. */
  readonly generation: number;
  /** The first offsets that batch has not folded. */
  readonly horizon: OffsetVector;
  /** The offsets that speed had published. */
  readonly folded: OffsetVector;
  /** Documents of batch that were verified. */
  readonly batch_documents: number;
  /** Documents of speed in the store that were verified. */
  readonly speed_documents: number;
  /** The check of a sample of speed's documents in memory. */
  readonly memory: MemoryReport;
  /** Which sample was verified, and what that proves; absent without a sample. */
  readonly sample?: SampleReport;
  /** How much was read. */
  readonly read: ReadCounts;
  /** The check of merged values; absent without one. */
  readonly merged?: Merged;
  /** The check of a ledger; absent without one. */
  readonly ledger?: LedgerCheck;
  /** Number of differences. */
  readonly differences: number;
  /** The first differences. */
  readonly first: readonly Difference[];
}

/**
 * Verifies the served generation: all of it, or a sample. Rejects with `not_found` if there is
 * none, and with `invalid` if merged values of a sample are requested.
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { clock = systemClock, within } = options;
  if (options.sample !== undefined && options.merged === true) {
    throw new PipelineError(
      "invalid",
      "Merged values need all records of their keys: --merged and --sample exclude one another",
    );
  }
  const { log, dataset, store, parts } = options;
  const watch = new Watch({ log, dataset, store, parts }, { within, clock });
  try {
    return await new Verification(options, watch).run();
  } finally {
    watch.close();
  }
}

/** The served generation as of the start, and what its folds answer. */
interface Served {
  readonly manifest: Manifest;
  readonly folded: readonly Folded[];
  readonly memory: Memory;
}

/** Most keys of a view in memory that a verification without a sample checks. */
const MEMORY_KEYS = 1_000;

/** A running verification. */
class Verification {
  readonly #o: VerifyOptions;
  readonly #ports: WatchedPorts;
  readonly #read: ReadCounts;
  readonly #differences = new Differences();
  readonly #found: {
    -readonly [K in keyof VerifyReport]?: VerifyReport[K];
  } = {};
  #doing = "looking for the generation";

  constructor(options: VerifyOptions, watch: Watch) {
    this.#o = options;
    this.#ports = watch.ports;
    this.#read = watch.read;
  }

  async run(): Promise<VerifyReport> {
    let unfinished: string | undefined;
    const { manifest, folded } = await this.#served().catch((error) => {
      if (!(error instanceof TimeUpError)) throw error;
      throw new PipelineError("unavailable", `${error.message}: the store has not answered yet`);
    });
    const differences = this.#differences;
    const memory = new Memory({ parts: this.#ports.parts, manifest, differences });
    const served = { manifest, folded, memory };
    try {
      if (this.#o.sample === undefined) await this.#whole(served);
      else await this.#sample(served, this.#o.sample);
      if (this.#o.ledger !== undefined) {
        this.#doing = "comparing the ledger";
        this.#found.ledger = await verifyLedger(
          this.#ports.dataset,
          this.#o.ledger,
          this.#differences,
        );
      }
    } catch (error) {
      if (!(error instanceof TimeUpError)) throw error;
      unfinished = this.#doing;
    }
    const { count, first } = this.#differences;
    return {
      exact: count === 0 && unfinished === undefined,
      ...(unfinished === undefined ? {} : { unfinished }),
      generation: manifest.generation,
      horizon: manifest.horizon,
      folded: foldedVector(folded, partitionsOf(manifest.horizon)),
      batch_documents: 0,
      speed_documents: 0,
      memory: memory.report,
      ...this.#found,
      read: this.#read,
      differences: count,
      first,
    };
  }

  /** The served generation, as of the start of the verification. */
  async #served(): Promise<{ manifest: Manifest; folded: Folded[] }> {
    const { store } = this.#ports;
    const generation = await store.current();
    const found = generation === undefined ? undefined : await readManifest(store, generation);
    if (generation === undefined || found === undefined) {
      const nothing = "There is no generation to verify: nothing is served yet";
      throw new PipelineError("not_found", nothing);
    }
    return { manifest: found.manifest, folded: await readFolded(store, generation) };
  }

  async #whole({ manifest, folded, memory }: Served): Promise<void> {
    const { log, dataset, store } = this.#ports;
    const { merged = false, clock = systemClock } = this.#o;
    const differences = this.#differences;
    this.#doing = "comparing speed's documents with the log";
    const keys = { keys: MEMORY_KEYS, seed: manifest.generation };
    const speed = { manifest, folded, memory, keys, merged, differences, clock };
    const { documents, partitions } = await verifySpeedPart({ store, log }, speed);
    this.#found.speed_documents = documents;
    this.#doing = "recomputing batch's documents from the dataset";
    const composed = await recompute(dataset, manifest);
    this.#doing = "comparing batch's documents";
    this.#found.batch_documents = await verifyBatchPart(store, manifest, composed, differences);
    if (!merged) return;
    this.#doing = "comparing merged values";
    const { resolved } = composed;
    const input = { dataset, log, store, manifest, resolved, partitions };
    this.#found.merged = await verifyMerged(input, differences);
  }

  async #sample(
    served: Served,
    { keys, seed = served.manifest.generation }: NonNullable<VerifyOptions["sample"]>,
  ): Promise<void> {
    const { clock = systemClock } = this.#o;
    const work = { ...served, sample: { keys, seed }, differences: this.#differences, clock };
    const sample = await verifySample(this.#ports, work, (what) => this.#doing = what);
    this.#found.sample = sample;
    this.#found.batch_documents = sample.batch.documents + sample.batch.bounded;
    this.#found.speed_documents = sample.speed.documents;
  }
}
