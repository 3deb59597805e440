/**
 * A store of one generation whose views are shards, each of which may lose its last operations, as
 * a server does that has not synced them: documents and watermarks alike.
 *
 * @module
 */

import {
  type ServingStore,
  type StoredDocument,
  type ViewName,
  VIEWS,
  type Watermark,
} from "@pipeline/core";

/** A document or a watermark, in the order in which the shard has executed them. */
type Operation = StoredDocument | Watermark;

/** One view. */
class Shard {
  operations: Operation[] = [];
  /** Rises with every loss, as far as the writer can see. */
  term = 1;
  /** The term of the writer's last operation. */
  seen: number | undefined;

  /** The latest of each document. */
  documents(): Map<string, StoredDocument> {
    const found = new Map<string, StoredDocument>();
    for (const each of this.operations) {
      if ("id" in each && each.version > (found.get(each.id)?.version ?? -1)) {
        found.set(each.id, each);
      }
    }
    return found;
  }

  /** The greatest watermark of a part; 0 if there is none. */
  watermark(part: string): number {
    const own = this.operations.flatMap((each) =>
      "part" in each && each.part === part ? each.version : []
    );
    return Math.max(0, ...own);
  }
}

/** The shards, and the store on them. */
export class LossyShards {
  readonly #shards = new Map(VIEWS.map((view) => [view, new Shard()]));
  /** Called after each write. */
  onWrite: () => void = () => {};

  /** @param honest whether losses are reported. */
  constructor(readonly honest = true) {}

  /** What a copy needs of a store. */
  readonly store: ServingStore = {
    write: (_: number, view: ViewName, documents: readonly StoredDocument[]) => {
      const shard = this.#shard(view);
      shard.operations.push(...documents);
      shard.seen ??= shard.term;
      this.onWrite();
      return Promise.resolve();
    },
    putWatermarks: (_: number, watermarks: readonly Watermark[]) => {
      const shards = [...this.#shards.values()];
      const lost = shards.some(({ seen, term }) => seen !== undefined && seen !== term);
      for (const shard of shards) shard.seen = shard.term;
      if (lost && this.honest) return Promise.resolve("lost");
      for (const { operations } of shards) operations.push(...watermarks);
      return Promise.resolve("stored");
    },
  } as Partial<ServingStore> as ServingStore;

  /** Loses the last operations of a view, all but a share of 0 to 1. */
  lose(view: ViewName, share: number): void {
    const shard = this.#shard(view);
    shard.operations.length = Math.floor(shard.operations.length * share);
    shard.term++;
  }

  /** The documents of all views. */
  documents(): Map<string, StoredDocument> {
    return new Map([...this.#shards.values()].flatMap((shard) => [...shard.documents()]));
  }

  /** The offset up to which a part is complete: -1 if it has no watermark in some view. */
  watermark(part: string): number {
    return Math.min(...[...this.#shards.values()].map((shard) => shard.watermark(part))) - 1;
  }

  #shard(view: ViewName): Shard {
    return this.#shards.get(view)!;
  }
}
