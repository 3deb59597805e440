/**
 * Old commits of a partition, compacted: one file for many, named by the offsets that it covers.
 * Checkpoints together reach back to offset 0. A new one absorbs earlier ones that hold no more
 * commits than it does, so their number grows with the logarithm of the commits, and so does the
 * number of times that each commit is rewritten.
 *
 * @module
 */

import {
  canonicalBytes,
  type MasterDataset,
  partitionName,
  PipelineError,
  type Topic,
} from "@pipeline/core";
import { inOrder } from "./ahead.ts";
import type { Commit } from "./commit.ts";
import { newToken, publishOnce, readAll, writeOwn } from "./files.ts";
import { COMMITS, offsetName, TEMPORARY } from "./layout.ts";

/** Offsets that a checkpoint covers. */
export interface CheckpointRange {
  /** Inclusive. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** The checkpoints of one partition. */
export class Checkpoints {
  readonly #dataset: MasterDataset;
  readonly #name: string;
  readonly #folder: string;

  constructor(dataset: MasterDataset, topic: Topic, partition: number) {
    this.#dataset = dataset;
    this.#name = partitionName(topic, partition);
    this.#folder = `${COMMITS}/checkpoints/${topic}/${partition}`;
  }

  /**
   * The checkpoints that together cover `from` and all beyond, in order; empty if none reaches
   * beyond `from`. They may overlap. Rejects with `corrupt` if one is missing.
   */
  async chain(from: number): Promise<CheckpointRange[]> {
    const all = await this.#ranges();
    const chain: CheckpointRange[] = [];
    for (let end = Math.max(0, ...all.map((range) => range.end)); end > from;) {
      // An exact end is not required: a concurrent run may have written a checkpoint that spans it.
      const [widest] = all.filter((range) => range.start < end && range.end >= end)
        .sort((a, b) => a.start - b.start);
      if (widest === undefined) {
        throw new PipelineError(
          "corrupt",
          `The checkpoint of ${this.#name} that ends at ${end} is missing`,
        );
      }
      chain.unshift(widest);
      end = widest.start;
    }
    return chain;
  }

  /** The commits that each checkpoint holds. */
  read(chain: Iterable<CheckpointRange>): AsyncGenerator<Commit[], void, undefined> {
    return inOrder(chain, async (range) => {
      const bytes = await readAll(this.#dataset, this.#path(range));
      return JSON.parse(new TextDecoder().decode(bytes)) as Commit[];
    });
  }

  /**
   * Adds a checkpoint of commits that follow those in checkpoints, and removes the checkpoints that
   * it absorbs. Several runs may do so concurrently: each leaves all commits covered.
   */
  async add(commits: readonly Commit[]): Promise<void> {
    let compacted = commits;
    for (const before of (await this.chain(0)).reverse()) {
      const start = compacted[0]!.start;
      if (before.start >= start) continue;
      const absorbed = (await this.read([before]).next()).value!.filter((c) => c.start < start);
      if (absorbed.length > compacted.length) break;
      compacted = [...absorbed, ...compacted];
    }
    const range = { start: compacted[0]!.start, end: compacted.at(-1)!.end };
    const folder = `${TEMPORARY}/${newToken()}`;
    await writeOwn(this.#dataset, `${folder}/checkpoint`, canonicalBytes(compacted));
    await this.#dataset.mkdirs(this.#folder);
    // The same range holds the same commits, whichever run compacted them.
    await publishOnce(this.#dataset, `${folder}/checkpoint`, this.#path(range));
    await this.#dataset.remove(folder);
    for (const { start, end } of await this.#ranges()) {
      const same = start === range.start && end === range.end;
      if (same || start < range.start || end > range.end) continue;
      await this.#dataset.remove(this.#path({ start, end }));
    }
  }

  async #ranges(): Promise<CheckpointRange[]> {
    return (await this.#dataset.list(this.#folder)).map(({ name }) => {
      const [start, end] = name.split("-").map(Number);
      return { start: start!, end: end! };
    });
  }

  #path({ start, end }: CheckpointRange): string {
    return `${this.#folder}/${offsetName(start)}-${offsetName(end)}`;
  }
}
