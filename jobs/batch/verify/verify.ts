/**
 * Proves, or refutes, that what is served is what the records say.
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
import { foldedVector, partitionsOf, readFolded, readManifest } from "@pipeline/protocol";
import { recompute, verifyBatchPart } from "./batch_part.ts";
import { type LedgerCheck, type LedgerEntry, verifyLedger } from "./ledger.ts";
import { type Merged, verifyMerged } from "./merged.ts";
import { type Difference, Differences } from "./report.ts";
import { verifySpeedPart } from "./speed_part.ts";

/** What a verification works with. */
export interface VerifyOptions {
  /** Where the records, commits and states are. */
  readonly dataset: MasterDataset;
  /** Where the records come from. */
  readonly log: EventLog;
  /** Where the views are. */
  readonly store: ServingStore;
  /** Also check merged values. Only while nothing is written. */
  readonly merged?: boolean;
  /** Also check these acknowledged records against the dataset. */
  readonly ledger?: AsyncIterable<LedgerEntry>;
}

/** What a verification found. */
export interface VerifyReport {
  /** Whether nothing differs. */
  readonly exact: boolean;
  /** Counts from 1. */
  readonly generation: number;
  /** The first offsets that batch has not seen. */
  readonly horizon: OffsetVector;
  /** The offsets that speed had announced. */
  readonly folded: OffsetVector;
  /** Documents that were written. */
  readonly batch_documents: number;
  /** Documents that were written. */
  readonly speed_documents: number;
  /** Where merged values were checked. */
  readonly merged?: Merged;
  /** Where a ledger was checked. */
  readonly ledger?: LedgerCheck;
  /** How many things differ. */
  readonly differences: number;
  /** The first differences. */
  readonly first: readonly Difference[];
}

/** Verifies the generation that is served. Rejects with `not_found` where there is none. */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { dataset, log, store } = options;
  const generation = await store.current();
  const found = generation === undefined ? undefined : await readManifest(store, generation);
  if (generation === undefined || found === undefined) {
    throw new PipelineError("not_found", "There is no generation to verify: nothing is served yet");
  }
  const { manifest } = found;
  const differences = new Differences();
  const folded = await readFolded(store, generation);
  const speed = await verifySpeedPart(store, log, manifest, folded, differences);
  const composed = await recompute(dataset, manifest);
  const batchDocuments = await verifyBatchPart(store, manifest, composed, differences);
  const { partitions } = speed;
  const { resolved } = composed;
  const merged = options.merged === true
    ? await verifyMerged({ dataset, log, store, manifest, resolved, partitions }, differences)
    : undefined;
  const ledger = options.ledger === undefined
    ? undefined
    : await verifyLedger(dataset, options.ledger, differences);
  return {
    exact: differences.count === 0,
    generation,
    horizon: manifest.horizon,
    folded: foldedVector(folded, partitionsOf(manifest.horizon)),
    batch_documents: batchDocuments,
    speed_documents: speed.documents,
    ...(merged === undefined ? {} : { merged }),
    ...(ledger === undefined ? {} : { ledger }),
    differences: differences.count,
    first: differences.first,
  };
}
