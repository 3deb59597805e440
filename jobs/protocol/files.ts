/**
 * Reading and writing whole files and lines of the dataset, checked.
 *
 * @module
 */

import { hasCode, hashBytes, type MasterDataset, PipelineError } from "@pipeline/core";
import type { CommittedFile } from "./commit.ts";

/** The bytes of a file. Rejects with `corrupt` if they are fewer than its status reports. */
export async function readAll(dataset: MasterDataset, path: string): Promise<Uint8Array> {
  const status = await dataset.status(path);
  if (status === undefined) throw new PipelineError("not_found", `No such file: ${path}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of dataset.read(path)) {
    chunks.push(chunk);
    length += chunk.length;
  }
  if (length !== status.length) {
    throw new PipelineError("corrupt", `Read ${length} of ${status.length} bytes of ${path}`);
  }
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of a committed file. Rejects with `corrupt` if they differ from the committed ones. */
export async function readCommitted(
  dataset: MasterDataset,
  file: CommittedFile,
): Promise<Uint8Array> {
  const path = `/data/${file.path}`;
  const bytes = await readAll(dataset, path);
  if (bytes.length !== file.bytes || hashBytes(bytes) !== file.hash) {
    throw new PipelineError(
      "corrupt",
      `${path} differs from its commit: ${bytes.length} bytes with the hash ` +
        `${hashBytes(bytes)} instead of ${file.bytes} with ${file.hash}`,
    );
  }
  return bytes;
}

/**
 * The lines of a committed file. Rejects with `corrupt` if length, hash, number of lines or the end
 * of the last line differs from the commit.
 */
export async function readLines(dataset: MasterDataset, file: CommittedFile): Promise<string[]> {
  const lines = decoder.decode(await readCommitted(dataset, file)).split("\n");
  if (lines.pop() !== "") throw unlike(file, lines.length);
  checkLines(file, lines.length);
  return lines;
}

/** Throws `corrupt` if a committed file holds a different number of whole lines. */
export function checkLines(file: CommittedFile, lines: number): void {
  if (lines !== file.records) throw unlike(file, lines);
}

function unlike(file: CommittedFile, lines: number): PipelineError {
  return new PipelineError(
    "corrupt",
    `/data/${file.path} holds ${lines} whole lines instead of ${file.records}`,
  );
}

/** Number of attempts of a write whose answers are lost. */
const WRITES = 10;

/**
 * Writes a file whose name only the caller uses: an existing file is an earlier attempt, whole or
 * truncated, whose answer was lost. Rejects with `unavailable` if not all bytes arrived.
 */
export async function writeOwn(
  dataset: MasterDataset,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  for (let left = WRITES;; left--) {
    try {
      await dataset.write(path, bytes);
      break;
    } catch (error) {
      if (left === 1 || !hasCode(error, "exists")) throw error;
      await dataset.remove(path);
    }
  }
  const length = (await dataset.status(path))?.length;
  if (length !== bytes.length) {
    throw new PipelineError("unavailable", `${path}: ${length} of ${bytes.length} bytes arrived`);
  }
}

/**
 * Renames a complete file to its final path. The rename may be attempted by several writers, or
 * repeated by one whose answer was lost: its error proves nothing, only the file at the path
 * counts. Resolves if a file is there, which is the caller's own as far as `isOurs` decides;
 * rejects with the rename's error otherwise.
 */
export async function publishOnce(
  dataset: MasterDataset,
  temporary: string,
  path: string,
  isOurs: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<void> {
  try {
    await dataset.rename(temporary, path);
  } catch (error) {
    const exists = hasCode(error, "exists");
    if (!exists && !hasCode(error, "not_found") && !hasCode(error, "unavailable")) throw error;
    if (!exists && await dataset.status(path) === undefined) throw error;
    if (!await isOurs()) throw error;
  }
}

/** A unique name for a writer: 128 random bits in hexadecimal. */
export function newToken(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
