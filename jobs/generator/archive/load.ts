/**
 * An archive file as history: a load in the dataset's staging. One file is one load, so that a file
 * added later adds only itself.
 *
 * @module
 */

import { type MasterDataset, PipelineError, RecordError } from "@pipeline/core";
import { stopped } from "@pipeline/runtime";
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { Progress } from "../historical.ts";
import { type LoadManifest, readManifest, type StagingLimits, StagingWriter } from "../staging.ts";
import { type Line, readLines } from "./lines.ts";
import { kindByName, readArchiveLine, type Repair } from "./mapping.ts";
import { archiveSize, openArchive } from "./open.ts";

/** A line that was rejected. */
export interface RejectedLine {
  /** Counts from 1. */
  readonly line: number;
  /** Sentence case, with the value shown. */
  readonly reason: string;
  /** Its first 2,000 characters. */
  readonly sample: string;
}

/** Options of a load. */
export interface ArchiveRun extends StagingLimits {
  /** Progress in bytes of the file on disk. Called about a hundred times. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called for every rejected line. */
  readonly onRejected?: (rejected: RejectedLine) => void;
  /** Ends the work with `stopped`; the next call starts over. */
  readonly signal?: AbortSignal;
}

/** Raised whenever equal files would give other records. */
const FORMAT = 2;

const BLOCKS = 16;
const BLOCK_BYTES = 65_536;
const REJECTED_BYTES = 4 * 2 ** 20;
const SAMPLE = 2_000;

/**
 * The load's name: derived from the file's size and sixteen blocks spread over it, including the
 * first and the last. The file's name and location do not matter.
 */
export async function archiveLoadId(path: string): Promise<string> {
  const size = await archiveSize(path);
  const hash = createHash("sha256").update(`${FORMAT} ${size}\n`);
  const file = await open(path, "r");
  try {
    const last = Math.max(0, size - BLOCK_BYTES);
    for (let i = 0; i < BLOCKS; i++) {
      const block = new Uint8Array(BLOCK_BYTES);
      const at = Math.floor(last * i / (BLOCKS - 1));
      const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, at);
      hash.update(block.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return `archive-${hash.digest("hex").slice(0, 16)}`;
}

/**
 * Writes an archive file's records into `/staging/<load>/` and returns the manifest. If the load is
 * already complete there, its manifest is returned and the file is not read again. Rejected lines
 * are in `_rejected_*.json` beside the data. A file without lines is a load without records, such
 * as a month without activity.
 *
 * @throws {PipelineError} `invalid` for a file that cannot be read to its end, or has no usable
 * line. The message names the file.
 */
export async function loadArchive(
  dataset: MasterDataset,
  path: string,
  run: ArchiveRun = {},
): Promise<LoadManifest> {
  const [load, total] = [await archiveLoadId(path), await archiveSize(path)];
  const complete = await readManifest(dataset, load);
  if (complete !== undefined) {
    run.onProgress?.({ done: total, total });
    return complete;
  }
  const writer = await StagingWriter.open(dataset, load, run);
  const rejects = new Rejects(writer);
  const repairs = new Map<Repair, number>();
  const onRepair = (repair: Repair) => void repairs.set(repair, (repairs.get(repair) ?? 0) + 1);
  const hint = kindByName(path);
  let reported = 0;
  const onRead = (done: number) => {
    if (done < total && done - reported < total / 100) return;
    reported = done;
    run.onProgress?.({ done, total });
  };
  for await (const lines of readLines(openArchive(path, { onRead }))) {
    if (run.signal?.aborted) throw stopped(run.signal);
    for (const line of lines) {
      const record = readLine(line, (text) => readArchiveLine(text, onRepair, hint));
      const rejected = "reason" in record;
      if (rejected) run.onRejected?.(record);
      const wait = rejected ? rejects.add(record) : writer.add(record);
      if (wait !== undefined) await wait;
    }
  }
  const { first } = rejects;
  if (writer.records === 0 && first !== undefined) {
    throw new PipelineError(
      "invalid",
      `The archive ${path} holds no usable line: line ${first.line}: ${first.reason}`,
    );
  }
  const source = { archive: basename(path), bytes: total, repaired: Object.fromEntries(repairs) };
  return await writer.finish(source, await rejects.finish());
}

/** The record of a line, or the reason for its rejection. */
export function readLine<T>(line: Line, read: (text: string) => T): T | RejectedLine {
  const { number, content } = line;
  if (typeof content !== "string") return { line: number, ...content };
  try {
    return read(content);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return { line: number, reason: error.message, sample: content.slice(0, SAMPLE) };
  }
}

/** Stores the rejected lines, in files of a few megabytes. */
class Rejects {
  first: RejectedLine | undefined;
  #lines = 0;
  #held: string[] = [];
  #size = 0;
  readonly #files: string[] = [];

  constructor(readonly writer: StagingWriter) {}

  add(rejected: RejectedLine): Promise<void> | undefined {
    this.first ??= rejected;
    this.#lines++;
    const line = `${JSON.stringify(rejected)}\n`;
    this.#held.push(line);
    this.#size += line.length;
    return this.#size > REJECTED_BYTES ? this.#write() : undefined;
  }

  async finish(): Promise<LoadManifest["rejected"]> {
    if (this.#lines === 0) return undefined;
    if (this.#held.length > 0) await this.#write();
    return { lines: this.#lines, files: this.#files };
  }

  async #write(): Promise<void> {
    const name = `_rejected_${String(this.#files.length).padStart(3, "0")}.json`;
    const content = new TextEncoder().encode(this.#held.join(""));
    this.#held = [];
    this.#size = 0;
    this.#files.push(name);
    await this.writer.writeAside(name, content);
  }
}
