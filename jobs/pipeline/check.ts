/**
 * Verification of a data folder, beside a pipeline that runs or without one.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import { verify, type VerifyReport } from "@pipeline/batch";
import { hasCode, PipelineError } from "@pipeline/core";
import { readAcknowledged } from "@pipeline/protocol";
import { ledgerPath } from "./data_folder.ts";

/**
 * Verifies what a folder serves. Merged values are checked where nobody writes.
 */
export async function verifyFolder(folder: string): Promise<VerifyReport> {
  const owned = own(folder);
  const ports = owned ?? openEmbedded(folder, { access: "read" });
  try {
    const ledger = readAcknowledged(ledgerPath(folder));
    return await verify({ ...ports, merged: owned !== undefined, ledger });
  } finally {
    await ports.close();
  }
}

/** The folder with its lock, so that nothing is written meanwhile; nothing where it runs. */
function own(folder: string) {
  try {
    Deno.statSync(`${folder}/log`);
  } catch (cause) {
    throw new PipelineError("invalid", `There is no data folder ${folder}`, { cause });
  }
  try {
    return openEmbedded(folder);
  } catch (error) {
    if (hasCode(error, "conflict")) return undefined;
    throw error;
  }
}
