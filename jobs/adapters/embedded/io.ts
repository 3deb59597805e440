/**
 * Shared by the embedded adapters: errors of files and of SQLite in the pipeline's own codes, and
 * yielding to the event loop.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";
import { setImmediate } from "node:timers";

/**
 * What a crash may lose. `process`: acknowledged data outlives the process, however it ends, and
 * the operating system decides when to write it to disk. `machine`: it outlives a power cut too, at
 * one or two `fsync` per acknowledgement.
 */
export type Durability = "process" | "machine";

const FILE_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  EEXIST: "exists",
  ENOTEMPTY: "exists",
  ENOSPC: "full",
  EDQUOT: "full",
  ENOTDIR: "invalid",
  EISDIR: "invalid",
  EINVAL: "invalid",
  ENAMETOOLONG: "invalid",
  ELOOP: "invalid",
  EACCES: "invalid",
  EPERM: "invalid",
  EROFS: "invalid",
};

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const SQLITE_CODES: Readonly<Record<number, ErrorCode>> = {
  5: "unavailable", // BUSY
  6: "unavailable", // LOCKED
  8: "invalid", // READONLY
  11: "corrupt", // CORRUPT
  13: "full", // FULL
  18: "too_large", // TOOBIG
  26: "corrupt", // NOTADB
};

/**
 * The error of a file operation, with the attempted operation. An error that is not the system's (a
 * stream's own, a bug's) is left unchanged: a retry would not help.
 */
export function fileError(error: unknown, what: string): Error {
  if (error instanceof PipelineError) return error;
  const { code, name } = error as { code?: unknown; name?: string };
  if (code === undefined && error instanceof Error && !(name! in Deno.errors)) return error;
  const known = typeof code === "string" ? FILE_CODES[code] : undefined;
  return new PipelineError(known ?? "unavailable", `${what}: ${reason(error)}`, { cause: error });
}

/** The error of a statement, with the attempted operation. */
export function sqliteError(error: unknown, what: string): Error {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code !== "ERR_SQLITE_ERROR") return fileError(error, what);
  const known = SQLITE_CODES[Number(errcode) & 0xff];
  return new PipelineError(known ?? "unavailable", `${what}: ${reason(error)}`, { cause: error });
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Flushes the entries of a folder to disk. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

/** Resolves after the event loop has served timers and sockets. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Synchronous work in small steps starves timers and sockets, since settled promises never yield
 * the thread. Awaited between the steps, this yields once they have held it for a while.
 */
export class Breather {
  #since = performance.now();

  /** @param holdMs the longest time to hold the thread, in milliseconds. */
  constructor(readonly holdMs = 4) {}

  /** Yields the thread if it is time. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#since < this.holdMs) return;
    await nextTurn();
    this.#since = performance.now();
  }
}
