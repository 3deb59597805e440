/**
 * The meaning of a query: the documents that it selects, and their order. The reference for testing
 * the stores' own query languages.
 *
 * @module
 */

import { firstOf } from "./_first.ts";
import { compareUtf8 } from "./bytes.ts";
import { BATCH_PART, type ViewDocument } from "./documents.ts";
import type { StoredDocument, ViewQuery } from "./ports.ts";
import type { WindowName } from "./time.ts";
import { compareRank } from "./versions.ts";

/** A search within one part. At most `limit` documents of *each* part, in the query's order. */
export type PartQuery = Omit<ViewQuery, "after" | "layer" | "parts">;

/** Windows of one size by their starts: inclusive, exclusive; milliseconds since 1970. */
export interface WindowRange {
  /** Size of the windows. */
  readonly window: WindowName;
  /** First start, inclusive. */
  readonly from: number;
  /** Last start, exclusive. */
  readonly to: number;
}

/** The sums of one subreddit over several windows. */
export interface SubredditTotal {
  /** The key of its name. */
  readonly subreddit: string;
  /** Announced posts. */
  readonly posts: number;
  /** Announced comments. */
  readonly comments: number;
}

/** A document with the id that orders it. */
export type Identified = Pick<StoredDocument, "id" | "body">;

/**
 * The fields by which documents are selected and ordered. A field that a type of document lacks
 * counts as -1 or the empty text.
 */
export interface QueryFields {
  /** A filter. */
  readonly subreddit: string;
  /** A filter. */
  readonly user_id: string;
  /** A filter. */
  readonly window: string;
  /** Milliseconds since 1970: a filter by range, and the order of windows. */
  readonly window_start: number;
  /** First in the order of rank. */
  readonly score: number;
  /** Milliseconds since 1970: second in the order of rank. */
  readonly created_utc: number;
  /** Third in the order of rank. */
  readonly post_id: string;
}

/** The query fields of a document. */
export function queryFields(body: ViewDocument): QueryFields {
  const fields = body as Partial<QueryFields>;
  return {
    subreddit: fields.subreddit ?? "",
    user_id: fields.user_id ?? "",
    window: fields.window ?? "",
    window_start: fields.window_start ?? -1,
    score: fields.score ?? -1,
    created_utc: fields.created_utc ?? -1,
    post_id: fields.post_id ?? "",
  };
}

/** Whether a query selects a document, ignoring `after` and `limit`. */
export function matches(query: ViewQuery, body: ViewDocument): boolean {
  if (query.type !== undefined && body.type !== query.type) return false;
  if (query.parts !== undefined && !query.parts.includes(body.part)) return false;
  if (query.layer !== undefined && (body.part === BATCH_PART) !== (query.layer === "batch")) {
    return false;
  }
  const fields = body as Partial<QueryFields>;
  if (query.subreddit !== undefined && fields.subreddit !== query.subreddit) return false;
  if (query.user_id !== undefined && fields.user_id !== query.user_id) return false;
  if (query.window !== undefined && fields.window !== query.window) return false;
  if (query.from === undefined && query.to === undefined) return true;
  const start = fields.window_start;
  if (start === undefined) return false;
  return start >= (query.from ?? 0) && (query.to === undefined || start < query.to);
}

/** Compares documents in the query's order; ids make the order total. */
export function compareDocuments(
  order: ViewQuery["order"],
): (a: Identified, b: Identified) => number {
  switch (order) {
    case "id":
      return byId;
    case "rank":
      return (a, b) => compareRank(queryFields(a.body), queryFields(b.body)) || byId(a, b);
    case "window":
      return (a, b) => startOf(a) - startOf(b) || byId(a, b);
    case "latest":
      return (a, b) => startOf(b) - startOf(a) || byId(a, b);
  }
}

function byId(a: Identified, b: Identified): number {
  return compareUtf8(a.id, b.id);
}

function startOf({ body }: Identified): number {
  return "window_start" in body ? body.window_start : -1;
}

/** One page of the documents. */
export function page<D extends Identified>(documents: Iterable<D>, query: ViewQuery): D[] {
  const compare = compareDocuments(query.order);
  const { after } = query;
  const found: D[] = [];
  for (const document of documents) {
    if (!matches(query, document.body)) continue;
    if (after === undefined || compare(document, after) > 0) found.push(document);
  }
  return firstOf(found, query.limit, compare);
}
