/**
 * The fold of one partition into one generation: a state of the views, and the offset up to which
 * records are folded. Both belong together at any moment at which other work can look.
 *
 * @module
 */

import {
  type ChangedKeys,
  type LogBatch,
  type LogRecord,
  partitionName,
  RecordError,
  type StoppedPartition,
  type Topic,
  type ViewDocument,
  ViewState,
} from "@pipeline/core";
import {
  type Folded,
  type LastRecord,
  type Manifest,
  type PartAnswer,
  type PartDocuments,
  type PartsQuestion,
  recordHash,
} from "@pipeline/protocol";
import type { Turns } from "./turns.ts";

/** Records that are folded between two looks at the clock. */
const STRIDE = 128;

/** How far a partition is known to be folded. */
export interface KnownOffsets {
  /** The watermark of the store: documents of the records below it are stored. */
  readonly stored: number;
  /** How far anybody has folded in memory: records below it could be found before. */
  readonly reached: number;
}

/** The changes of a partition that a pass of the copy writes. */
export interface Taken {
  /** The fold that has changed. */
  readonly fold: PartitionFold;
  /** The offset and counts at the moment at which the pass began. */
  readonly folded: Folded;
  /** The keys that had changed at that moment. */
  readonly changed: ChangedKeys;
}

/** A deterministic fold of one partition from a generation's horizon. */
export class PartitionFold {
  /** The first offset that is not folded. */
  next: number;
  /**
   * The watermark in the store; -1 if none was written or all is to be written again, `Infinity` if
   * nothing is to be.
   */
  stored = -1;
  /** A frozen fold answers, but folds and writes nothing. */
  frozen = false;
  /** The last record that was folded, by which a recreated log is recognised. */
  last: LastRecord | null = null;
  readonly #state: ViewState;
  #deadLetters = 0;
  /** Records below were visible before. */
  #reached = 0;
  /** Append time of the oldest record that no pass has taken, and of those that a pass is writing. */
  #oldest: number | undefined;
  #taken: number | undefined;

  /** A fold that has folded nothing yet. */
  constructor(
    readonly topic: Topic,
    readonly partition: number,
    /** The generation's horizon. */
    readonly start: number,
    manifest: Pick<Manifest, "settings" | "retained_from">,
  ) {
    this.next = start;
    this.#state = new ViewState(manifest.settings, {
      retained: manifest.retained_from,
      track: true,
    });
  }

  /** The part of its documents. */
  get part(): string {
    return partitionName(this.topic, this.partition);
  }

  /** Number of keys in memory. */
  get keys(): number {
    return this.#state.keys;
  }

  /** Begins to fold, or goes on after it was frozen. */
  assign({ stored, reached }: KnownOffsets): void {
    this.frozen = false;
    this.stored = Math.max(this.stored, stored);
    this.#reached = Math.max(this.#reached, reached, stored);
    if (this.stored >= this.next) this.#oldest = undefined;
  }

  /**
   * Folds a batch that begins at {@linkcode next}, slice by slice.
   *
   * @returns the append time of its oldest record that was not visible before, if there is one.
   */
  async fold(batch: LogBatch, turns: Turns): Promise<number | undefined> {
    const { records } = batch;
    // What the store holds already need not be written again.
    const unstored = firstFrom(records, this.stored);
    this.#oldest ??= records[unstored]?.timestamp;
    for (let at = 0; at < records.length;) {
      await turns.run((over) => {
        do {
          const silent = at < unstored;
          const end = Math.min(at + STRIDE, silent ? unstored : records.length);
          this.#state.track = !silent;
          for (; at < end; at++) this.#admit(records[at]!);
          this.next = records[at]?.offset ?? batch.nextOffset;
        } while (at < records.length && !over());
      });
    }
    this.next = batch.nextOffset;
    const last = records.at(-1);
    if (last !== undefined) this.last = { offset: last.offset, hash: recordHash(last) };
    return records[firstFrom(records, this.#reached)]?.timestamp;
  }

  #admit(record: LogRecord): void {
    try {
      this.#state.admit(this.topic, record);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#deadLetters++;
    }
  }

  /** The folded offset, with counts. */
  folded(): Folded {
    const { records, duplicates, retired, unresolved } = this.#state.counts;
    return {
      topic: this.topic,
      partition: this.partition,
      next_offset: this.next,
      records,
      dead_letters: this.#deadLetters,
      duplicates,
      retired,
      unresolved,
      keys: this.#state.keys,
    };
  }

  /** Answers questions, as of {@linkcode next}. */
  answer(questions: readonly PartsQuestion[], stopped: StoppedPartition | undefined): PartAnswer {
    return {
      ...this.folded(),
      ...(stopped === undefined ? {} : { stopped }),
      answers: questions.map((question) => this.#answer(question)),
    };
  }

  #answer(question: PartsQuestion): PartDocuments {
    const { part } = this;
    if ("totals" in question) return this.#state.totals(question.totals);
    if ("query" in question) return this.#state.search(part, question.view, question.query);
    const found: ViewDocument[] = [];
    for (const key of question.keys) {
      const document = this.#state.get(part, question.view, key);
      if (document !== undefined) found.push(document);
    }
    return found;
  }

  /** Begins a pass of the copy. It ends with {@linkcode written}, or {@linkcode giveBack}. */
  take(): Taken {
    this.#taken = this.#oldest;
    this.#oldest = undefined;
    return { fold: this, folded: this.folded(), changed: this.#state.changed(this.part) };
  }

  /** The store's watermark is at this offset now. */
  written(offset: number): void {
    this.stored = Math.max(this.stored, offset);
    this.#taken = undefined;
  }

  /** A pass ends early: what it has not taken from the changed keys is left to the next one. */
  giveBack(): void {
    this.#oldest = this.#taken ?? this.#oldest;
    this.#taken = undefined;
  }

  /** The store may have lost documents: all of them are to be written again. */
  rewrite(): void {
    this.stored = -1;
    this.#state.track = true;
    this.#state.touchAll();
  }

  /** Append time of the oldest folded record that is not in the store, if there is one. */
  get oldest(): number | undefined {
    return this.#taken ?? this.#oldest;
  }
}

/** Index of the first record at or after an offset. */
function firstFrom(records: readonly LogRecord[], offset: number): number {
  const index = records.findIndex((record) => record.offset >= offset);
  return index < 0 ? records.length : index;
}
