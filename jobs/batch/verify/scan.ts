/**
 * Reads documents of a view, many at a time.
 *
 * @module
 */

import {
  PipelineError,
  type ServingStore,
  type StoredDocument,
  type ViewName,
  type ViewQuery,
} from "@pipeline/core";

const PAGE = 2_000;

/** Number of ids per request. */
const GET = 1_000;

/** Documents of one layer, or of both, in the order of ids. Rejects if some may be missing. */
export async function* scan(
  store: ServingStore,
  generation: number,
  view: ViewName,
  layer?: "batch" | "speed",
): AsyncGenerator<StoredDocument> {
  let after: StoredDocument | undefined;
  for (;;) {
    const documents = await wholePage(store, generation, view, {
      order: "id",
      limit: PAGE,
      ...(layer === undefined ? {} : { layer }),
      ...(after === undefined ? {} : { after }),
    });
    yield* documents;
    if (documents.length < PAGE) return;
    after = documents.at(-1)!;
  }
}

/** One page of a view. Rejects if some documents may be missing. */
export async function wholePage(
  store: ServingStore,
  generation: number,
  view: ViewName,
  query: ViewQuery,
): Promise<readonly StoredDocument[]> {
  const { documents, complete } = await store.search(generation, view, query);
  if (!complete) {
    throw new PipelineError("unavailable", `The view ${view} did not answer completely`);
  }
  return documents;
}

/** Documents by id, as far as they exist. */
export async function getAll(
  store: ServingStore,
  generation: number,
  view: ViewName,
  ids: readonly string[],
): Promise<(StoredDocument | undefined)[]> {
  const found: (StoredDocument | undefined)[] = [];
  for (let i = 0; i < ids.length; i += GET) {
    found.push(...await store.get(generation, view, ids.slice(i, i + GET)));
  }
  return found;
}
