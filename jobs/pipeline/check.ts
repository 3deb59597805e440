/**
 * Verification of a data folder, beside a pipeline that runs or without one.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import { type LedgerEntry, verify, type VerifyReport } from "@pipeline/batch";
import { hasCode, PipelineError } from "@pipeline/core";
import { type LedgerLine, readLedger } from "@pipeline/generator";
import { ledgerPath } from "./data_folder.ts";

/** The ledger's acknowledged records; ambiguous ones are named by the producer, not checked. */
export async function* acknowledged(lines: AsyncIterable<LedgerLine>): AsyncGenerator<LedgerEntry> {
  try {
    for await (const line of lines) if (!("ambiguous" in line)) yield line;
  } catch (error) {
    // No ledger: nothing was ever produced here.
    if (!hasCode(error, "not_found")) throw error;
  }
}

/**
 * Verifies what a folder serves. Merged values are checked where nobody writes.
 */
export async function verifyFolder(folder: string): Promise<VerifyReport> {
  const owned = own(folder);
  const ports = owned ?? openEmbedded(folder, { access: "read" });
  try {
    const ledger = acknowledged(readLedger(ledgerPath(folder)));
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
