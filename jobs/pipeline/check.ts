/**
 * Verification of a data folder, beside a pipeline that runs or without one.
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
 * Verifies what a folder, or the servers beside it, serve. Merged values are checked where
 * nobody writes.
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

/** The place with its lock, so that nothing is written meanwhile; nothing where it runs. */
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
