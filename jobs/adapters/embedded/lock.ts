/**
 * The lock of a data folder: one process owns it, and the operating system releases it however that
 * process ends. SQLite takes it (`BEGIN EXCLUSIVE`), which unlike Deno's file locks can be
 * attempted without waiting.
 *
 * @module
 */

import { hasCode, PipelineError } from "@pipeline/core";
import { DatabaseSync } from "node:sqlite";
import { fileError, sqliteError } from "./io.ts";

/** A held lock. */
export interface FolderLock {
  /** Releases it. */
  release(): void;
}

/**
 * Takes the lock of a folder, and creates the folder if missing.
 *
 * @throws {PipelineError} `conflict` if another process (or another instance in this one) holds it;
 * `invalid` if the folder cannot be written.
 */
export function acquireLock(folder: string): FolderLock {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw unusable(folder, error);
  }
  const holder = `${folder}/lock.pid`;
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(`${folder}/lock.db`, { timeout: 0 });
  } catch (error) {
    throw unusable(folder, error);
  }
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!hasCode(sqliteError(error, ""), "unavailable")) throw unusable(folder, error);
    throw new PipelineError(
      "conflict",
      `Data folder ${folder} is in use by process ${readHolder(holder)}`,
      { cause: error },
    );
  }
  try {
    Deno.writeTextFileSync(holder, `${Deno.pid}\n`);
  } catch (error) {
    database.close();
    throw unusable(folder, error);
  }
  return {
    release() {
      if (database.isOpen) database.close();
    },
  };
}

function unusable(folder: string, error: unknown): PipelineError {
  return new PipelineError(
    "invalid",
    fileError(error, `Cannot use data folder ${folder}`).message,
    {
      cause: error,
    },
  );
}

/** Only for the message: the lock itself does not rely on the file's content. */
function readHolder(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim() || "(unknown)";
  } catch {
    return "(unknown)";
  }
}
