/**
 * The file with one generation's documents. A separate file, so that batch's bulk load and speed's
 * writes never wait for each other, and dropping a generation frees its space at once.
 *
 * @module
 */

import type {
  StoredDocument,
  ViewDocument,
  ViewName,
  ViewPage,
  ViewQuery,
  Watermark,
} from "@pipeline/core";
import {
  createTables,
  pushRow,
  ROWS,
  selectPage,
  type SqlValue,
  upsert,
  WATERMARKS,
} from "./schema.ts";
import { Connection, fromColumn, type StoreMode, toColumn } from "./sqlite.ts";

interface Row {
  readonly id: string;
  readonly version: number;
  readonly body: string;
}

/** Creates the file with its empty tables. */
export function createGenerationFile(path: string, mode: StoreMode): void {
  const connection = new Connection(path, mode);
  try {
    connection.transaction(() => connection.exec(createTables()));
  } finally {
    connection.close();
  }
}

/** A connection to the file. */
export class GenerationFile {
  readonly #connection: Connection;
  /** The texts of the upserts, by view and number of rows. */
  readonly #upserts = new Map<string, string>();
  /** Whether the file has a table of watermarks. */
  readonly #marked: boolean;

  constructor(path: string, mode: StoreMode) {
    this.#connection = new Connection(path, mode);
    const table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    this.#marked = this.#connection.prepare(table).get(WATERMARKS) !== undefined;
  }

  /** Writes watermarks in one transaction, unless there is no place for them. */
  putWatermarks(watermarks: readonly Watermark[]): boolean {
    if (!this.#marked) return false;
    this.#connection.transaction(() => {
      const upsert = this.#connection.prepare(
        `INSERT INTO ${WATERMARKS} VALUES (?, ?, ?) ON CONFLICT (part) DO UPDATE
         SET version = excluded.version, body = excluded.body
         WHERE excluded.version > version`,
      );
      for (const { part, version, body } of watermarks) {
        upsert.run(toColumn(part), version, JSON.stringify(body ?? null));
      }
    });
    return true;
  }

  /** The watermarks, in the order of parts, unless there is no place for them. */
  watermarks(): Watermark[] | undefined {
    if (!this.#marked) return undefined;
    const sql = `SELECT part AS id, version, body FROM ${WATERMARKS} ORDER BY part`;
    const rows = this.#connection.prepare(sql).all() as unknown as Row[];
    return rows.map(({ id, version, body }) => (
      { part: fromColumn(id), version, body: JSON.parse(body) }
    ));
  }

  /** Writes documents in one transaction. */
  write(view: ViewName, documents: readonly StoredDocument[]): void {
    this.#connection.transaction(() => {
      for (let at = 0; at < documents.length; at += ROWS) {
        const rows = documents.slice(at, at + ROWS);
        const values: SqlValue[] = [];
        for (const document of rows) pushRow(view, document, values);
        this.#connection.prepare(this.#upsert(view, rows.length)).run(...values);
      }
    });
  }

  get(view: ViewName, id: string): StoredDocument | undefined {
    const sql = `SELECT id, version, body FROM ${view} WHERE id = ?`;
    const row = this.#connection.prepare(sql).get(toColumn(id));
    return row && document(row as unknown as Row);
  }

  search(view: ViewName, query: ViewQuery): ViewPage {
    const { sql, values } = selectPage(view, query);
    const rows = this.#connection.prepare(sql).all(...values) as unknown as Row[];
    return { documents: rows.map(document), complete: true };
  }

  count(view: ViewName): number {
    return Number(this.#connection.prepare(`SELECT count(*) AS n FROM ${view}`).get()?.n);
  }

  close(): void {
    this.#connection.close();
  }

  #upsert(view: ViewName, rows: number): string {
    const key = `${view} ${rows}`;
    const sql = this.#upserts.get(key) ?? upsert(view, rows);
    this.#upserts.set(key, sql);
    return sql;
  }
}

function document({ id, version, body }: Row): StoredDocument {
  return { id: fromColumn(id), version, body: JSON.parse(body) as ViewDocument };
}
