/**
 * The ledger: the records that the log has acknowledged, written where the log cannot lose them.
 * Append-only JSON lines. After kill -9 its last line may be torn; a torn line was never confirmed
 * to anyone, so readers skip it.
 *
 * @module
 */

import { hasCode, PipelineError } from "@pipeline/core";
import { type Appender, JsonLinesFile, readJsonLines } from "./json_lines.ts";

/** An acknowledged record: `(topic, partition, offset, hash)` is its identity. */
export interface LedgerEntry {
  /** Topic of the record. */
  readonly topic: string;
  /** Partition of the record. */
  readonly partition: number;
  /** Offset of the record. */
  readonly offset: number;
  /** The record's own id, e.g. `t3_abc`. */
  readonly id: string;
  /** `hashBytes` of the value; empty for a tombstone. */
  readonly hash: string;
  /** Set if the record was made to be rejected: it belongs into the dead letters. */
  readonly dead_letter?: true;
}

/**
 * A record whose send ended without an answer and that was then resent: the log holds one copy (the
 * acknowledged one, in its own entry) or two. If no entry follows because the run ended, it holds
 * one or none.
 */
export interface AmbiguousEntry {
  /** Discriminates these lines from entries. */
  readonly ambiguous: true;
  /** Topic of the record. */
  readonly topic: string;
  /** The record's own id. */
  readonly id: string;
  /** `hashBytes` of the value; empty for a tombstone. */
  readonly hash: string;
}

/** A line of the ledger. */
export type LedgerLine = LedgerEntry | AmbiguousEntry;

/** The file that receives acknowledgements. */
export type Ledger = Appender<LedgerLine>;

/** Opens a ledger in a file to continue it; creates the file and its folder if missing. */
export function openLedger(path: string): Promise<Ledger> {
  return JsonLinesFile.open<LedgerLine>(path);
}

/**
 * Reads a ledger from its start, even while it is written. A line that is not JSON is skipped if it
 * was torn: at the end of the file, or before a later opening.
 *
 * @throws {PipelineError} `not_found` for a missing file, `corrupt` for a line that is JSON but no
 * line of a ledger.
 */
export async function* readLedger(path: string): AsyncGenerator<LedgerLine, void, undefined> {
  for await (const json of readJsonLines(path)) yield checkLine(json, path);
}

function checkLine(json: unknown, path: string): LedgerLine {
  const entry = json as Partial<LedgerEntry & AmbiguousEntry> | null;
  if (typeof entry?.topic === "string" && typeof entry.id === "string") {
    if (entry.ambiguous === true || Number.isSafeInteger(entry.offset)) return entry as LedgerLine;
  }
  throw new PipelineError(
    "corrupt",
    `${path} holds a line that is not of a ledger: ${JSON.stringify(json)}`,
  );
}

/**
 * The ledger's acknowledged records; ambiguous ones are named by the producer, not checked. Empty
 * if there is no ledger: then nothing was ever produced.
 */
export async function* readAcknowledged(path: string): AsyncGenerator<LedgerEntry> {
  try {
    for await (const line of readLedger(path)) if (!("ambiguous" in line)) yield line;
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}
