/**
 * The ledger: what the log has acknowledged, written down where the log cannot lose
 * it. JSON lines, appended only. After kill -9 its last line may be torn; a torn
 * line was never confirmed to anyone, so readers leave it out.
 *
 * @module
 */

import { hasCode, PipelineError } from "@pipeline/core";
import { type Appender, JsonLinesFile, readJsonLines } from "./json_lines.ts";

/** An acknowledged record: `(topic, partition, offset, hash)` is its identity. */
export interface LedgerEntry {
  /** Where the log has it. */
  readonly topic: string;
  /** Where the log has it. */
  readonly partition: number;
  /** Where the log has it. */
  readonly offset: number;
  /** The record's own id, e.g. `t3_abc`. */
  readonly id: string;
  /** `hashBytes` of the value; empty for a tombstone. */
  readonly hash: string;
  /** Set where the record was made to be refused: it belongs into the dead letters. */
  readonly dead_letter?: true;
}

/**
 * A record whose sending ended without an answer and that was then sent anew: the
 * log holds one copy (the acknowledged one, in its own entry) or two. Where no entry
 * follows because the run ended, it holds one or none.
 */
export interface AmbiguousEntry {
  /** Tells these lines from entries. */
  readonly ambiguous: true;
  /** Where it was sent. */
  readonly topic: string;
  /** The record's own id. */
  readonly id: string;
  /** `hashBytes` of the value; empty for a tombstone. */
  readonly hash: string;
}

/** A line of the ledger. */
export type LedgerLine = LedgerEntry | AmbiguousEntry;

/** Where acknowledgements are written down. */
export type Ledger = Appender<LedgerLine>;

/** Opens a ledger in a file to continue it; the file and its folder are made where missing. */
export function openLedger(path: string): Promise<Ledger> {
  return JsonLinesFile.open<LedgerLine>(path);
}

/**
 * Reads a ledger from its start, also while it is written. A line that is no JSON is
 * passed over where it was torn: at the end of the file, or before a later opening.
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
    `${path} holds a line that is none of a ledger: ${JSON.stringify(json)}`,
  );
}

/**
 * The ledger's acknowledged records; ambiguous ones are named by the producer, not checked.
 * None where there is no ledger: then nothing was ever produced.
 */
export async function* readAcknowledged(path: string): AsyncGenerator<LedgerEntry> {
  try {
    for await (const line of readLedger(path)) if (!("ambiguous" in line)) yield line;
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}
