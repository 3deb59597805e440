/**
 * Searches of the store beyond one page.
 *
 * @module
 */

import type { ServingStore, StoredDocument, ViewName, ViewQuery } from "@pipeline/core";

/** Most documents of one page of the store. */
export const PAGE = 10_000;

/** The views of one generation in the store. */
export interface StoredViews {
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** The generation. */
  readonly generation: number;
}

/** The documents that were found. */
export interface Found {
  /** In the order of the query. */
  readonly documents: readonly StoredDocument[];
  /** False if a shard or a part of the store did not answer: documents may be missing. */
  readonly complete: boolean;
}

/** Searches page by page; without a limit, for all documents. */
export async function searchAll(
  { store, generation }: StoredViews,
  { view, query }: {
    readonly view: ViewName;
    readonly query: Omit<ViewQuery, "limit"> & { readonly limit?: number };
  },
): Promise<Found> {
  const { limit = Infinity } = query;
  const documents: StoredDocument[] = [];
  let complete = true;
  let after = query.after;
  while (true) {
    const size = Math.min(PAGE, limit - documents.length);
    const page = await store.search(generation, view, {
      ...query,
      limit: size,
      ...(after && { after }),
    });
    documents.push(...page.documents);
    complete &&= page.complete;
    if (page.documents.length < size || documents.length >= limit) return { documents, complete };
    after = documents.at(-1)!;
  }
}
