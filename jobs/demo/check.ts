/**
 * Verification of a data folder, beside a demo that runs or without one.
 *
 * @module
 */

import type { VerifyReport } from "@pipeline/batch";
import { batch } from "@pipeline/batch/job";
import { hasCode, PipelineError } from "@pipeline/core";
import { ledgerPath } from "./data_folder.ts";
import { Jobs } from "./jobs.ts";
import type { Place } from "./place.ts";

/**
 * Verifies what is served.
 *
 * @param options.merged also merged values: only while nothing is written.
 */
export async function verifyServed(
  jobs: Jobs,
  { folder, merged }: { readonly folder: string; readonly merged: boolean },
): Promise<VerifyReport> {
  const lines: string[] = [];
  const running = jobs.start(batch, "verify", {
    settings: { ledger: ledgerPath(folder) },
    flags: { merged },
    print: (line) => lines.push(line),
  });
  await running.done;
  // First the differences, then what was found in all.
  const [report, ...first] = [lines.pop()!, ...lines].map((line) => JSON.parse(line));
  return { ...report, first };
}

/**
 * Verifies what a folder, or the servers beside it, serve. Merged values are checked where
 * nobody else holds the lock, so that nothing is written meanwhile.
 *
 * @param sink takes the lines of the log.
 */
export async function verifyFolder(
  place: Place,
  sink: (line: string) => void,
): Promise<VerifyReport> {
  const { folder, servers } = place;
  try {
    Deno.statSync(servers === undefined ? `${folder}/log` : `${folder}/runs.json`);
  } catch (cause) {
    throw new PipelineError("invalid", `There is no data folder ${folder}`, { cause });
  }
  let merged = true;
  const jobs = await Jobs.open({ place, access: "own", sink }).catch((error) => {
    if (!hasCode(error, "conflict")) throw error;
    merged = false;
    return Jobs.open({ place, access: "join", sink });
  });
  try {
    return await verifyServed(jobs, { folder, merged });
  } finally {
    await jobs.close();
  }
}
