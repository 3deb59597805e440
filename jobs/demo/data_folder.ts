/**
 * Notes that a run needs about earlier runs on the same folder.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** The notes of a folder. */
export interface FolderNotes {
  /** Number of the last run that was started. */
  readonly run: number;
  /** End of the generated history, milliseconds since 1970. */
  readonly history_end: number;
}

/** Path of the ledger of acknowledged records. */
export function ledgerPath(folder: string): string {
  return `${folder}/ledger.jsonl`;
}

/**
 * Records a new run in the notes. The folder's lock must be held.
 *
 * @throws {PipelineError} `invalid` if the notes cannot be read or written.
 */
export async function noteRun(folder: string, now: number): Promise<FolderNotes> {
  const path = `${folder}/runs.json`;
  try {
    const before = await readNotes(path);
    const notes = { run: (before?.run ?? 0) + 1, history_end: before?.history_end ?? now };
    // Renamed into place: a run that is killed here leaves the notes intact.
    await Deno.writeTextFile(`${path}.new`, JSON.stringify(notes));
    await Deno.rename(`${path}.new`, path);
    return notes;
  } catch (cause) {
    throw new PipelineError("invalid", `The data folder ${folder} cannot be used`, { cause });
  }
}

async function readNotes(path: string): Promise<FolderNotes | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as FolderNotes;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
