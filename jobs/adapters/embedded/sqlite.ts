/**
 * How the store's SQLite files are opened: write-ahead log, so that readers never
 * wait, and short waits for other writers.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Durability } from "./io.ts";

/** How a store is opened. */
export interface StoreMode {
  readonly durability: Durability;
  readonly readOnly: boolean;
}

/** Longest wait for another connection's write, in milliseconds. */
const BUSY_MS = 10_000;

/** Number of statements that a connection caches. */
const MAX_STATEMENTS = 200;

/**
 * Pages (4 KiB) of the write-ahead log at which it is copied into the file: enough for documents
 * that change with every flush to be copied once for many of their versions.
 */
const CHECKPOINT_PAGES = 16_000;

/** Configures a new connection. */
function configure(database: DatabaseSync, mode: StoreMode): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA cache_size = -32768`);
  if (mode.readOnly) return;
  const synchronous = mode.durability === "machine" ? "FULL" : "OFF";
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
     PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  );
}

/** A connection that caches its statements and runs transactions. */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens a file, and creates it if it is missing and may be written. */
  constructor(path: string, mode: StoreMode) {
    this.#database = new DatabaseSync(path, { readOnly: mode.readOnly });
    try {
      configure(this.#database, mode);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** The prepared statement of a text. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      // Queries have many texts; preparing one again is cheap, keeping all is not.
      if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Runs several statements without values. */
  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** Runs the body in a transaction: all of its writes take effect, or none. */
  transaction<T>(body: () => T): T {
    // Prepared, since errors of `exec` lack SQLite's code.
    this.prepare("BEGIN IMMEDIATE").run();
    try {
      const result = body();
      this.prepare("COMMIT").run();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/**
 * Encodes a text for a column. The driver ends texts at NUL on reading, so NUL becomes two bytes,
 * and so does 0x01, the first of them: UTF-8 order is preserved.
 */
export function toColumn(text: string): string {
  if (!text.includes("\0") && !text.includes("\x01")) return text;
  return text.replaceAll("\x01", "\x01\x02").replaceAll("\0", "\x01\x01");
}

/** Decodes a text of {@linkcode toColumn}. */
export function fromColumn(text: string): string {
  if (!text.includes("\x01")) return text;
  return text.replaceAll("\x01\x01", "\0").replaceAll("\x01\x02", "\x01");
}
