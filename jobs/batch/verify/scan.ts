/**
 * Reads all documents of a view.
 *
 * @module
 */

import {
  PipelineError,
  type ServingStore,
  type StoredDocument,
  type ViewName,
} from "@pipeline/core";

const PAGE = 2_000;

/** Documents of one layer, or of both, in the order of ids. Rejects where some may be missing. */
export async function* scan(
  store: ServingStore,
  generation: number,
  view: ViewName,
  layer?: "batch" | "speed",
): AsyncGenerator<StoredDocument> {
  let after: StoredDocument | undefined;
  for (;;) {
    const { documents, complete } = await store.search(generation, view, {
      order: "id",
      limit: PAGE,
      ...(layer === undefined ? {} : { layer }),
      ...(after === undefined ? {} : { after }),
    });
    if (!complete) throw new PipelineError("unavailable", `The view ${view} did not answer whole`);
    yield* documents;
    if (documents.length < PAGE) return;
    after = documents.at(-1)!;
  }
}
