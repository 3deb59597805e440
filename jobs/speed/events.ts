/**
 * What folds report while they run, for metrics.
 *
 * @module
 */

import type { TopicPartition, ViewName } from "@pipeline/core";
import type { Folded } from "@pipeline/protocol";

/** Report on one batch of the log. */
export interface FoldReport extends TopicPartition {
  /** The generation into which it was folded. */
  readonly generation: number;
  /** Records folded, rejected ones included. */
  readonly records: number;
  /** Append time of the oldest record that was not visible before, if there is one. */
  readonly appended: number | undefined;
}

/** Report on documents that were written. */
export interface WriteReport {
  /** The generation that was written. */
  readonly generation: number;
  /** Their view. */
  readonly view: ViewName;
  /** Their number. */
  readonly documents: number;
}

/** Report on a pass of the copy. */
export interface FlushReport {
  /** The generation that was written. */
  readonly generation: number;
  /** Milliseconds from taking the changed keys until all of them could be found by searching. */
  readonly took: number;
  /** The watermarks that were written. */
  readonly folded: readonly Folded[];
}

/** Report on a store that may have lost documents. */
export interface LossReport {
  /** The generation of which all documents are written again. */
  readonly generation: number;
}

/** What a copy reports. */
export interface CopyEvents {
  /** Called after each write. */
  readonly onWrite?: (written: WriteReport) => void;
  /** Called after each pass. */
  readonly onFlush?: (flush: FlushReport) => void;
  /** Called when all documents must be written again. */
  readonly onLoss?: (loss: LossReport) => void;
}

/** What a fold reports. */
export interface FoldEvents extends CopyEvents {
  /** Called after each batch, once it can be asked for. */
  readonly onFold?: (folded: FoldReport) => void;
}
