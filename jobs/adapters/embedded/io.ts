/**
 * What the embedded adapters share: errors of files and of SQLite in the
 * pipeline's own codes, and yielding to the event loop.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";
import { setImmediate } from "node:timers";

/**
 * What a crash may take. `process`: what was acknowledged outlives the process,
 * however it ends, and the operating system writes it to disk when it sees fit.
 * `machine`: it outlives a power cut too, at one or two `fsync` an acknowledgement.
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
 * The error of a file operation, with what was tried. What is no error of the
 * system (a stream's own, a bug's) stays as it is: trying again would not help.
 */
export function fileError(error: unknown, what: string): Error {
  if (error instanceof PipelineError) return error;
  const { code, name } = error as { code?: unknown; name?: string };
  if (code === undefined && error instanceof Error && !(name! in Deno.errors)) return error;
  const known = typeof code === "string" ? FILE_CODES[code] : undefined;
  return new PipelineError(known ?? "unavailable", `${what}: ${reason(error)}`, { cause: error });
}

/** The error of a statement, with what was tried. */
export function sqliteError(error: unknown, what: string): Error {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code !== "ERR_SQLITE_ERROR") return fileError(error, what);
  const known = SQLITE_CODES[Number(errcode) & 0xff];
  return new PipelineError(known ?? "unavailable", `${what}: ${reason(error)}`, { cause: error });
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Flushes what was done to the entries of a folder. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

/** Resolves after the event loop has looked at timers and sockets. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Synchronous work in small steps starves timers and sockets, since promises that
 * are already settled never let go of the thread. Awaited between the steps, this
 * lets go once they have held it for a while.
 */
export class Breather {
  #since = performance.now();

  /** @param holdMs the longest time to hold the thread, in milliseconds. */
  constructor(readonly holdMs = 4) {}

  /** Lets go of the thread if it is time. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#since < this.holdMs) return;
    await nextTurn();
    this.#since = performance.now();
  }
}
