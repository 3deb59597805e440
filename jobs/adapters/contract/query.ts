/**
 * The meaning of a query: the documents that it selects, and their order. The reference for testing
 * the other stores' own query languages.
 *
 * @module
 */

import {
  BATCH_PART,
  compareUtf8,
  type StoredDocument,
  type ViewDocument,
  type ViewQuery,
} from "@pipeline/core";

/**
 * The fields by which documents are selected and ordered. A field that a type of document lacks
 * counts as -1 or the empty text.
 */
export interface QueryFields {
  readonly subreddit: string;
  readonly user_id: string;
  readonly window: string;
  readonly window_start: number;
  readonly score: number;
  readonly created_utc: number;
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
): (a: StoredDocument, b: StoredDocument) => number {
  const byId = (a: StoredDocument, b: StoredDocument) => compareUtf8(a.id, b.id);
  if (order === "id") return byId;
  return (a, b) => {
    const x = queryFields(a.body);
    const y = queryFields(b.body);
    switch (order) {
      case "rank":
        return y.score - x.score || y.created_utc - x.created_utc ||
          compareUtf8(y.post_id, x.post_id) || byId(a, b);
      case "window":
        return x.window_start - y.window_start || byId(a, b);
      case "latest":
        return y.window_start - x.window_start || byId(a, b);
    }
  };
}

/** One page of the documents. */
export function page(
  documents: Iterable<StoredDocument>,
  query: ViewQuery,
): StoredDocument[] {
  const compare = compareDocuments(query.order);
  const { after } = query;
  const found: StoredDocument[] = [];
  for (const document of documents) {
    if (!matches(query, document.body)) continue;
    if (after === undefined || compare(document, after) > 0) found.push(document);
  }
  return found.sort(compare).slice(0, query.limit);
}
