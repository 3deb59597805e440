/**
 * The keys of a state that had changed at one moment, to be taken a few at a time, so that neither
 * the documents of all of them are held at once, nor making them holds up other work.
 *
 * @module
 */

import type { ViewDocument, ViewName } from "./documents.ts";

/** Changed keys of one table, those that changed first at the front. */
export interface ChangeSource {
  /** Number of keys that had changed and are not taken yet. */
  left: number;
  /** Takes at most `limit` keys from the front. */
  readonly take: (limit: number) => readonly ViewDocument[];
}

/** The keys that had changed at one moment, by view. */
export class ChangedKeys {
  readonly #sources: Readonly<Record<ViewName, readonly ChangeSource[]>>;

  /** Use `ViewState.changed`. */
  constructor(sources: Readonly<Record<ViewName, readonly ChangeSource[]>>) {
    this.#sources = sources;
  }

  /** Number of keys of a view that are not taken yet. */
  left(view: ViewName): number {
    return this.#sources[view].reduce((sum, { left }) => sum + left, 0);
  }

  /**
   * The documents of at most `limit` keys of a view, as the state is now: they may include records
   * that were folded since.
   */
  take(view: ViewName, limit: number): ViewDocument[] {
    const taken: ViewDocument[] = [];
    for (const source of this.#sources[view]) {
      const count = Math.min(source.left, limit - taken.length);
      if (count === 0) continue;
      // Later changes are behind those of the moment.
      source.left -= count;
      taken.push(...source.take(count));
    }
    return taken;
  }
}
