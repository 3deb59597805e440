/**
 * The layout of views in SQLite: one file per generation, in it one table per view, with the fields
 * that queries use as columns, and the document itself as JSON.
 *
 * @module
 */

import {
  BATCH_PART,
  type Part,
  queryFields,
  type StoredDocument,
  type ViewName,
  type ViewQuery,
  VIEWS,
} from "@pipeline/core";
import { toColumn } from "./sqlite.ts";

/** Number of documents per statement. */
export const ROWS = 50;

/** A value bound to a statement. */
export type SqlValue = string | number | null;

interface Table {
  readonly columns: readonly string[];
  /**
   * Columns that may differ between two versions of a document; the id determines the others. An
   * index is rewritten only if one of its columns is set.
   */
  readonly varying: readonly string[];
  readonly indexes: readonly string[];
}

/** Columns of a view's table besides the common ones, and its indexes. */
const TABLES: Readonly<Record<ViewName, Table>> = {
  top_posts: {
    columns: ["subreddit", "user_id", "score", "created_utc", "post_id"],
    varying: ["user_id", "score", "created_utc"],
    indexes: ["subreddit, score, created_utc, post_id"],
  },
  subreddit_activity: {
    columns: ["subreddit", "window", "window_start"],
    varying: [],
    indexes: ["subreddit, window, window_start", "window, window_start"],
  },
  user_activity: {
    columns: ["user_id", "window", "window_start"],
    varying: [],
    indexes: ["user_id, window, window_start"],
  },
};

const COMMON = ["id", "version", "type", "speed"] as const;
const NUMBERS = new Set(["version", "speed", "score", "created_utc", "window_start"]);

/** The table of the watermarks of speed's parts; generations of earlier versions have none. */
export const WATERMARKS = "watermarks";

/** Statements that create the tables of a generation. */
export function createTables(): string {
  const views = VIEWS.map((view) => {
    const { columns, indexes } = TABLES[view];
    const declared = [...COMMON, ...columns].map((name) =>
      `"${name}" ${NUMBERS.has(name) ? "INTEGER" : "TEXT"} NOT NULL${
        name === "id" ? " PRIMARY KEY" : ""
      }`
    );
    // Ties are ordered by id, which the indexes leave out to write fewer bytes.
    return [
      `CREATE TABLE ${view} (${declared.join(", ")}, body TEXT NOT NULL);`,
      ...indexes.map((on, i) => `CREATE INDEX ${view}_${i} ON ${view} (${quoted(on)});`),
    ].join("\n");
  });
  const watermarks = `CREATE TABLE ${WATERMARKS} (
    part TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;`;
  return [...views, watermarks].join("\n");
}

/** The statement that writes `rows` documents, each unless the stored one is as new. */
export function upsert(view: ViewName, rows: number): string {
  const columns = [...COMMON, ...TABLES[view].columns, "body"].map((name) => `"${name}"`);
  const row = `(${columns.map(() => "?").join(",")})`;
  const updates = ["version", ...TABLES[view].varying, "body"].map((name) =>
    `"${name}" = excluded."${name}"`
  );
  return `INSERT INTO ${view} (${columns.join(", ")}) VALUES ${Array(rows).fill(row).join(",")}
    ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")} WHERE excluded.version > version`;
}

/** Appends a document's values, in the order of the statement's columns. */
export function pushRow(
  view: ViewName,
  { id, version, body }: StoredDocument,
  to: SqlValue[],
): void {
  to.push(toColumn(id), version, body.type, body.part === BATCH_PART ? 0 : 1);
  const fields = queryFields(body) as unknown as Record<string, SqlValue>;
  for (const column of TABLES[view].columns) to.push(columnValue(fields[column]!));
  to.push(JSON.stringify(body));
}

/**
 * A write order in which neighbours share pages in most of the table's trees: by the leading
 * columns of the first index, then by id. Any order would be correct.
 */
export function byPage(a: StoredDocument, b: StoredDocument): number {
  const x = a.body as Partial<Record<"subreddit" | "user_id", string>>;
  const y = b.body as typeof x;
  return compare(x.subreddit ?? x.user_id ?? "", y.subreddit ?? y.user_id ?? "") ||
    compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Column and direction of each order, ids aside. */
const ORDERS: Readonly<Record<ViewQuery["order"], readonly (readonly [string, "ASC" | "DESC"])[]>> =
  {
    id: [],
    rank: [["score", "DESC"], ["created_utc", "DESC"], ["post_id", "DESC"]],
    window: [["window_start", "ASC"]],
    latest: [["window_start", "DESC"]],
  };

/** A query as a statement with its values. */
export function selectPage(view: ViewName, query: ViewQuery): { sql: string; values: SqlValue[] } {
  const has = (column: string) => TABLES[view].columns.includes(column);
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const where = (condition: string, ...more: SqlValue[]) => {
    conditions.push(condition);
    values.push(...more);
  };
  if (query.type !== undefined) where("type = ?", query.type);
  if (query.layer !== undefined) where("speed = ?", query.layer === "speed" ? 1 : 0);
  const keys = ["subreddit", "user_id", "window"] as const;
  for (const column of keys) {
    const value = query[column];
    if (value === undefined) continue;
    if (has(column)) where(`"${column}" = ?`, toColumn(value));
    else where("FALSE");
  }
  if (query.parts !== undefined) {
    // An index on a key selects fewer rows than a part does, and the unary plus keeps it in use.
    const id = keys.some((key) => query[key] !== undefined) ? "+id" : "id";
    const ranges = query.parts.map(() => `(${id} >= ? AND ${id} < ?)`);
    where(`(${ranges.join(" OR ")})`, ...query.parts.flatMap(idRange));
  }
  if (query.from !== undefined || query.to !== undefined) {
    // Documents without a window have -1 there.
    if (has("window_start")) where("window_start >= ?", Math.max(0, query.from ?? 0));
    else where("FALSE");
    if (query.to !== undefined && has("window_start")) where("window_start < ?", query.to);
  }
  const order = [...ORDERS[query.order].filter(([column]) => has(column)), ["id", "ASC"] as const];
  if (query.after !== undefined) addAfter(order, query.after, where);
  const sql = `SELECT id, version, body FROM ${view}
    ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""}
    ORDER BY ${order.map(([column, way]) => `${column} ${way}`).join(", ")} LIMIT ?`;
  return { sql, values: [...values, query.limit] };
}

/** The ids of a part begin with it and the separator: the first one, and the end of the range. */
function idRange(part: Part): [string, string] {
  const next = String.fromCharCode("|".charCodeAt(0) + 1);
  return [toColumn(`${part}|`), toColumn(part) + next];
}

/**
 * Restricts to rows after a document: a comparison column by column, with one that an index can
 * use.
 */
function addAfter(
  order: readonly (readonly [string, string])[],
  after: StoredDocument,
  where: (condition: string, ...values: SqlValue[]) => void,
): void {
  const fields: Record<string, SqlValue> = { ...queryFields(after.body), id: after.id };
  const [first, way] = order[0]!;
  where(`${first} ${way === "ASC" ? ">=" : "<="} ?`, columnValue(fields[first]!));
  const values: SqlValue[] = [];
  const beyond = order.map(([column, way], i) => {
    const equal = order.slice(0, i).map(([before]) => {
      values.push(columnValue(fields[before]!));
      return `${before} = ?`;
    });
    values.push(columnValue(fields[column]!));
    return `(${[...equal, `${column} ${way === "ASC" ? ">" : "<"} ?`].join(" AND ")})`;
  });
  where(`(${beyond.join(" OR ")})`, ...values);
}

function quoted(columns: string): string {
  return columns.split(", ").map((name) => `"${name}"`).join(", ");
}

function columnValue(value: SqlValue): SqlValue {
  return typeof value === "string" ? toColumn(value) : value;
}
