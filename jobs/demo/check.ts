/**
 * Verifies a data folder, with or without a running pipeline.
 *
 * @module
 */

import { verify, type VerifyReport } from "@pipeline/batch";
import { hasCode, PipelineError } from "@pipeline/core";
import { readAcknowledged } from "@pipeline/protocol";
import { type Logger, logRetries, patient } from "@pipeline/runtime";
import { ledgerPath } from "./data_folder.ts";
import { openParts, type Parts, type Place } from "./parts.ts";

/**
 * Verifies the served generation of a folder, or of its servers. Merged values are checked only if
 * no pipeline is writing.
 */
export async function verifyFolder(place: Place, logger: Logger): Promise<VerifyReport> {
  const owned = await own(place);
  const parts = owned ?? await openParts(place, { access: "read" });
  try {
    const ledger = readAcknowledged(ledgerPath(place.folder));
    const ports = patient(parts, logRetries(logger));
    return await verify({ ...ports, merged: owned !== undefined, ledger });
  } finally {
    await parts.close();
  }
}

/**
 * Opens the place with its lock, so that nothing is written meanwhile; `undefined` if a pipeline
 * runs.
 */
async function own(place: Place): Promise<Parts | undefined> {
  const { folder, servers } = place;
  try {
    Deno.statSync(servers === undefined ? `${folder}/log` : `${folder}/runs.json`);
  } catch (cause) {
    throw new PipelineError("invalid", `There is no data folder ${folder}`, { cause });
  }
  try {
    return await openParts(place, { access: "own" });
  } catch (error) {
    if (hasCode(error, "conflict")) return undefined;
    throw error;
  }
}
