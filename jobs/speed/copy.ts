/**
 * The copy of a generation's folds in the store: passes that write what has changed, at a bounded
 * rate, each followed by the watermark up to which the store is complete.
 *
 * Folding never waits for it. Under load a pass takes longer, and the copy is older; the number of
 * documents a second stays the same, whatever the records are.
 *
 * @module
 */

import { documentId, type ServingStore, type StoredDocument, type ViewName } from "@pipeline/core";
import { type Folded, writeFolded } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";
import type { CopyEvents } from "./events.ts";
import type { Pace } from "./pace.ts";
import type { PartitionFold, Taken } from "./partition_fold.ts";

/** The order of the views in a pass: what dashboards read comes first. */
const ORDER: readonly ViewName[] = ["subreddit_activity", "top_posts", "user_activity"];

/** Dependencies of a copy. */
export interface CopyOptions extends CopyEvents {
  /** The destination. */
  readonly store: ServingStore;
  /** The generation that is written. */
  readonly generation: number;
  /** Bounds the documents a second, together with those of other copies. */
  readonly pace: Pace;
  /**
   * How much of a chunk is written in a turn, in (0, 1]: the copy's share beside others that write
   * as well. A whole chunk by default.
   */
  readonly share?: () => number;
  /** Times waits and passes. */
  readonly clock: Clock;
  /** The folds that are copied. */
  readonly folds: () => Iterable<PartitionFold>;
}

/** A generation's copy in the store. */
export class Copy {
  readonly #o: CopyOptions;
  /** Aborted while nothing is to wait for the pace. */
  #hurry = new AbortController();
  #abandoned = false;
  #failed = false;
  #last: Promise<void> = Promise.resolve();

  /** A copy of which nothing is written yet. */
  constructor(options: CopyOptions) {
    this.#o = options;
  }

  /** Whether a pass has failed: changes that it had taken may not be in the store. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Writes what has changed, at the pace. Passes follow each other; none follows one that failed. */
  pass(): Promise<void> {
    return this.#last = this.#last.then(() => this.#pass()).catch((error) => {
      this.#failed = true;
      throw error;
    });
  }

  /** Ends the pass under way, and makes another, both as fast as the store writes. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    await this.pass();
    this.#hurry = new AbortController();
  }

  /** Writes nothing more, except for a call that is under way. */
  abandon(): void {
    this.#abandoned = true;
    this.#hurry.abort();
  }

  async #pass(): Promise<void> {
    const { store, generation, clock, folds, onFlush } = this.#o;
    const started = clock.monotonic();
    // Synchronous: the keys taken here have changed below these offsets.
    const taken = [...folds()].filter(({ frozen, next, stored }) => !frozen && next > stored)
      .map((fold) => fold.take());
    if (taken.length === 0 || this.#abandoned) return;
    if (!await this.#begin(taken)) return this.#rewrite(taken);
    for (const view of ORDER) {
      while (!this.#abandoned && taken.some(({ changed }) => changed.left(view) > 0)) {
        await this.#write(view, taken);
      }
    }
    if (this.#abandoned) {
      for (const { fold } of taken) fold.giveBack();
      return;
    }
    const watermarks = taken.map(({ folded }) => folded);
    if (!await writeFolded(store, generation, watermarks)) return this.#rewrite(taken);
    for (const { fold, folded } of taken) fold.written(folded.next_offset);
    onFlush?.({
      generation,
      took: clock.monotonic() - started,
      folded: watermarks,
    });
  }

  /** A partition has a watermark before its first pass is over: the horizon. */
  async #begin(taken: readonly Taken[]): Promise<boolean> {
    const begun = taken.filter(({ fold }) => fold.stored < 0 && fold.next > fold.start);
    if (begun.length === 0) return true;
    const { store, generation } = this.#o;
    return await writeFolded(store, generation, begun.map(({ fold }) => nothingOf(fold)));
  }

  /** The store may have lost what it had acknowledged: later passes write everything, from memory. */
  #rewrite(taken: readonly Taken[]): void {
    const { folds, generation, onLoss } = this.#o;
    for (const { fold } of taken) fold.giveBack();
    for (const fold of folds()) if (!fold.frozen) fold.rewrite();
    onLoss?.({ generation });
  }

  /** Writes a chunk of documents. */
  async #write(view: ViewName, taken: readonly Taken[]): Promise<void> {
    const { store, generation, pace, share, onWrite } = this.#o;
    const documents = await pace.turn(() => {
      if (this.#abandoned) return [];
      return makeDocuments(view, taken, Math.max(1, Math.floor(pace.chunk * (share?.() ?? 1))));
    }, this.#hurry.signal);
    if (this.#abandoned) return;
    await store.write(generation, view, documents);
    onWrite?.({ generation, view, documents: documents.length });
  }
}

/**
 * Documents as the folds are now. A document's version is the position of its fold: it may include
 * later records than the pass, and is written again by the next pass if it changes after this.
 */
function makeDocuments(
  view: ViewName,
  taken: readonly Taken[],
  limit: number,
): readonly StoredDocument[] {
  const documents: StoredDocument[] = [];
  for (const { fold, changed } of taken) {
    if (documents.length === limit) break;
    for (const body of changed.take(view, limit - documents.length)) {
      documents.push({ id: documentId(body), version: fold.next, body });
    }
  }
  return documents;
}

/** The watermark of a partition of which nothing is stored. */
function nothingOf({ topic, partition, start }: PartitionFold): Folded {
  const counts = { records: 0, dead_letters: 0, duplicates: 0, retired: 0, unresolved: 0, keys: 0 };
  return { topic, partition, next_offset: start, ...counts };
}
