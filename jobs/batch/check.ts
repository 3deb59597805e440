/**
 * Checks that batch's last publication is served.
 *
 * @module
 */

import { PipelineError, type ServingStore, type ViewName, VIEWS } from "@pipeline/core";

/** The generation that is served. */
export interface Serving {
  /** The generation that all aliases point to. */
  readonly generation: number;
  /** Number of documents by view. */
  readonly documents: Readonly<Record<ViewName, number>>;
}

/**
 * The generation that is served, once every shard of each of its views answers.
 *
 * @throws {PipelineError} `unavailable` if there is none yet, or a part of it does not answer.
 */
export async function checkServing(store: ServingStore): Promise<Serving> {
  const generation = await store.current();
  if (generation === undefined) {
    throw new PipelineError("unavailable", "There is no generation yet");
  }
  const counts = await Promise.all(VIEWS.map(async (view) => {
    const { complete } = await store.search(generation, view, { order: "id", limit: 1 });
    if (!complete) {
      throw new PipelineError(
        "unavailable",
        `A part of ${view} of generation ${generation} is away`,
      );
    }
    return [view, await store.count(generation, view)] as const;
  }));
  return { generation, documents: Object.fromEntries(counts) as Serving["documents"] };
}
