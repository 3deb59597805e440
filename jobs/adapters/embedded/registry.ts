/**
 * The store's small central file: the generations, the one that the aliases point to, and the
 * control documents.
 *
 * @module
 */

import { type ControlDocument, PipelineError, viewAlias, VIEWS } from "@pipeline/core";
import { noGeneration } from "../contract/rules.ts";
import { Connection, fromColumn, type StoreMode, toColumn } from "./sqlite.ts";
import type { SqlValue } from "./schema.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS generations (
  -- Never used again, so that a generation made anew is not taken for the one that was dropped.
  incarnation INTEGER PRIMARY KEY AUTOINCREMENT,
  generation INTEGER NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS aliases (
  alias TEXT PRIMARY KEY,
  generation INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS controls (
  id TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) WITHOUT ROWID;`;

interface ControlRow {
  readonly id: string;
  readonly version: number;
  readonly body: string;
}

/** A connection to the central file. */
export class Registry {
  readonly #connection: Connection;

  constructor(path: string, mode: StoreMode) {
    this.#connection = new Connection(path, mode);
    if (!mode.readOnly) this.#connection.exec(SCHEMA);
  }

  /** The incarnation of a generation; throws `not_found` if there is none. */
  incarnation(generation: number): number {
    const row = this.#get("SELECT incarnation FROM generations WHERE generation = ?", generation);
    if (row === undefined) throw noGeneration(generation);
    return Number(row.incarnation);
  }

  /** All generations, ascending, with their incarnations. */
  generations(): { generation: number; incarnation: number }[] {
    return this.#all("SELECT generation, incarnation FROM generations ORDER BY generation")
      .map((row) => ({
        generation: Number(row.generation),
        incarnation: Number(row.incarnation),
      }));
  }

  /** Adds a generation unless it exists; `make` prepares its file before it becomes visible. */
  add(generation: number, make: (incarnation: number) => void): void {
    this.#connection.transaction(() => {
      const { changes, lastInsertRowid } = this.#run(
        "INSERT INTO generations (generation) VALUES (?) ON CONFLICT DO NOTHING",
        generation,
      );
      if (changes > 0) make(Number(lastInsertRowid));
    });
  }

  /** Removes a generation; returns its incarnation, if it existed. */
  drop(generation: number): number | undefined {
    return this.#connection.transaction(() => {
      if (this.current() === generation) {
        throw new PipelineError("conflict", `Generation ${generation} is the current one`);
      }
      const sql = "DELETE FROM generations WHERE generation = ? RETURNING incarnation";
      const row = this.#get(sql, generation);
      return row && Number(row.incarnation);
    });
  }

  current(): number | undefined {
    const row = this.#get("SELECT generation FROM aliases WHERE alias = ?", viewAlias(VIEWS[0]));
    return row && Number(row.generation);
  }

  switchTo(generation: number, from: number | undefined): void {
    this.#connection.transaction(() => {
      this.incarnation(generation);
      const current = this.current();
      if (current !== from) {
        throw new PipelineError(
          "conflict",
          `The aliases name generation ${current ?? "none"}, not ${from ?? "none"}`,
        );
      }
      for (const view of VIEWS) {
        const sql = "INSERT OR REPLACE INTO aliases (alias, generation) VALUES (?, ?)";
        this.#run(sql, viewAlias(view), generation);
      }
    });
  }

  control(id: string): ControlDocument | undefined {
    const row = this.#get("SELECT id, version, body FROM controls WHERE id = ?", toColumn(id));
    return row && controlDocument(row as unknown as ControlRow);
  }

  controls(prefix: string): ControlDocument[] {
    return this.#all(
      `SELECT id, version, body FROM controls
       WHERE id >= ?1 AND substr(id, 1, length(?1)) = ?1 ORDER BY id`,
      toColumn(prefix),
    ).map((row) => controlDocument(row as unknown as ControlRow));
  }

  putControl(id: string, body: unknown, expected: number): number {
    const text = JSON.stringify(body ?? null);
    const { changes } = expected === 0
      ? this.#run(
        "INSERT INTO controls VALUES (?, 1, ?) ON CONFLICT DO NOTHING",
        toColumn(id),
        text,
      )
      : this.#run(
        "UPDATE controls SET version = version + 1, body = ? WHERE id = ? AND version = ?",
        text,
        toColumn(id),
        expected,
      );
    if (changes > 0) return expected + 1;
    throw new PipelineError(
      "conflict",
      `Control document ${JSON.stringify(id)} does not have version ${expected}`,
    );
  }

  putControls(documents: readonly ControlDocument[]): void {
    this.#connection.transaction(() => {
      for (const { id, version, body } of documents) {
        this.#run(
          `INSERT INTO controls VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
           SET version = excluded.version, body = excluded.body
           WHERE excluded.version > version`,
          toColumn(id),
          version,
          JSON.stringify(body ?? null),
        );
      }
    });
  }

  removeControls(ids: readonly string[]): void {
    this.#connection.transaction(() => {
      for (const id of ids) this.#run("DELETE FROM controls WHERE id = ?", toColumn(id));
    });
  }

  close(): void {
    this.#connection.close();
  }

  #get(sql: string, ...values: SqlValue[]) {
    return this.#connection.prepare(sql).get(...values);
  }

  #all(sql: string, ...values: SqlValue[]) {
    return this.#connection.prepare(sql).all(...values);
  }

  #run(sql: string, ...values: SqlValue[]) {
    return this.#connection.prepare(sql).run(...values);
  }
}

function controlDocument({ id, version, body }: ControlRow): ControlDocument {
  return { id: fromColumn(id), version, body: JSON.parse(body) };
}
