/**
 * The documents of batch. They never change within a generation, so they are cached without
 * expiry, absent ones included.
 *
 * @module
 */

import {
  BATCH_PART,
  canonicalJson,
  PipelineError,
  type ViewDocument,
  type ViewName,
  type WindowName,
  withPart,
} from "@pipeline/core";
import type { Manifest, PartQuery, SubredditTotal, WindowRange } from "@pipeline/protocol";
import type { Cache, Loaded } from "./cache.ts";
import { type DocumentOf, sumBySubreddit } from "./documents.ts";
import { searchAll, type StoredViews } from "./search.ts";

/** What the cache holds: the answer to one question, or the document of one id. */
export interface BatchAnswer {
  /** Documents or sums. */
  readonly items: readonly (ViewDocument | SubredditTotal)[];
  /** False if a part of the store did not answer; such an answer is not kept. */
  readonly complete: boolean;
  /** Why the store could not be asked; such an answer is not kept either. */
  readonly away?: PipelineError;
}

/** A search for batch's documents; without a limit, for all of them. */
export type BatchQuery = Omit<PartQuery, "limit"> & { readonly limit?: number };

/** Options of {@linkcode BatchViews}. */
export interface BatchViewsOptions extends StoredViews {
  /** Shared by all readings. */
  readonly cache: Cache<BatchAnswer>;
  /** The generation's manifest. */
  readonly manifest: Manifest;
  /** Called if a part of the store did not answer. */
  readonly incomplete: () => void;
}

/** The documents of batch in one generation. */
export class BatchViews {
  readonly #o: BatchViewsOptions;
  readonly #name: string;

  /** Nothing is read before the first call. */
  constructor(options: BatchViewsOptions) {
    this.#o = options;
    const { generation, planned = 0 } = options.manifest;
    // A store that was made anew counts its generations from 1.
    this.#name = `${generation} ${planned}`;
  }

  /** The documents with these keys, as far as they exist. */
  async get<T extends ViewDocument["type"]>(
    view: ViewName,
    keys: readonly string[],
  ): Promise<DocumentOf<T>[]> {
    const { documents, away } = await this.#get<T>(view, keys);
    if (away !== undefined) throw away;
    return documents;
  }

  /**
   * The documents with these keys, for answers that are useful without them: while the store is
   * away, those that were never read are left out, and the reading is incomplete.
   */
  async getKnown<T extends ViewDocument["type"]>(
    view: ViewName,
    keys: readonly string[],
  ): Promise<DocumentOf<T>[]> {
    const { documents, away } = await this.#get<T>(view, keys);
    if (away !== undefined) this.#o.incomplete();
    return documents;
  }

  async #get<T extends ViewDocument["type"]>(
    view: ViewName,
    keys: readonly string[],
  ): Promise<{ readonly documents: DocumentOf<T>[]; readonly away: PipelineError | undefined }> {
    const { store, generation, cache } = this.#o;
    const prefix = `${this.#name} ${view} `;
    const found = await cache.many(keys.map((key) => prefix + key), async (missing) => {
      const ids = missing.map((name) => withPart(BATCH_PART, name.slice(prefix.length)));
      try {
        const documents = await store.get(generation, view, ids);
        return documents.map((document) => loaded(document === undefined ? [] : [document.body]));
      } catch (error) {
        if (!(error instanceof PipelineError && error.retriable)) throw error;
        return ids.map(() => unread(error));
      }
    });
    return {
      documents: found.flatMap(({ items }) => items as DocumentOf<T>[]),
      away: found.find(({ away }) => away !== undefined)?.away,
    };
  }

  /** Documents by their fields, in the order of the query. */
  async search<T extends ViewDocument["type"]>(
    view: ViewName,
    query: BatchQuery & { readonly type: T },
  ): Promise<readonly DocumentOf<T>[]> {
    const asked = query.type === "activity" ? await this.#inTime(query) : query;
    if (asked === undefined) return [];
    const found = await this.#search(view, asked, (documents) => documents);
    return found as readonly DocumentOf<T>[];
  }

  /** The sums of each subreddit over a range of windows. */
  async totals({ window, from, to }: WindowRange): Promise<readonly SubredditTotal[]> {
    const query = await this.#inTime({ type: "activity", window, from, to, order: "window" });
    if (query === undefined) return [];
    const sums = await this.#search(
      "subreddit_activity",
      query,
      (documents) => sumBySubreddit(documents as readonly DocumentOf<"activity">[]),
      "totals",
    );
    return sums as readonly SubredditTotal[];
  }

  /** Start of the latest window with activity; -1 if there is none. */
  async latest(window: WindowName): Promise<number> {
    const any = { type: "activity", window, order: "latest", limit: 1 } as const;
    const [last] = await this.#search("subreddit_activity", any, (documents) => documents);
    return (last as DocumentOf<"activity"> | undefined)?.window_start ?? -1;
  }

  /**
   * A search for windows without what is beyond the latest window of batch; `undefined` if all of
   * it is. So searches for windows that began after batch's run are answered from memory.
   */
  async #inTime(query: BatchQuery): Promise<BatchQuery | undefined> {
    const { window, from, to, ...rest } = query;
    if (window === undefined || from === undefined && to === undefined) return query;
    const latest = await this.latest(window);
    if (from !== undefined && from > latest) return undefined;
    return {
      ...rest,
      window,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined || to > latest ? {} : { to }),
    };
  }

  async #search(
    view: ViewName,
    query: BatchQuery,
    itemsOf: (documents: readonly ViewDocument[]) => BatchAnswer["items"],
    kind = "",
  ): Promise<BatchAnswer["items"]> {
    const { cache, incomplete } = this.#o;
    const key = `${this.#name} ${view} ${kind}${canonicalJson(query)}`;
    const { items, complete } = await cache.one(key, async () => {
      const all = { view, query: { ...query, layer: "batch" } } as const;
      const { documents, complete } = await searchAll(this.#o, all);
      return loaded(itemsOf(documents.map(({ body }) => body)), complete);
    });
    if (!complete) incomplete();
    return items;
  }
}

/** Bytes of an entry besides its documents. */
const ENTRY_BYTES = 300;

function loaded(items: BatchAnswer["items"], complete = true): Loaded<BatchAnswer> {
  let bytes = ENTRY_BYTES;
  for (const item of items) {
    for (const field of Object.values(item)) {
      bytes += typeof field === "string" ? 24 + field.length : 16;
    }
  }
  return { value: { items, complete }, bytes, keep: complete };
}

function unread(away: PipelineError): Loaded<BatchAnswer> {
  return { value: { items: [], complete: false, away }, bytes: 0, keep: false };
}
