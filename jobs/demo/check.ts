/**
 * Verification of a data folder, with or without a running demo.
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
 * Verifies the served generation.
 *
 * @param options.merged whether to verify merged values too, which requires that nothing is written.
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
  // The command prints the first differences, then the report.
  const [report, ...first] = [lines.pop()!, ...lines].map((line) => JSON.parse(line));
  return { ...report, first };
}

/**
 * Verifies the served generation of a folder, or of its servers. Merged values are verified if no
 * other process holds the folder's lock, so that nothing is written meanwhile.
 *
 * @param sink writes a line of the log.
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
