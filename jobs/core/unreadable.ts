/**
 * Batches of the log that cannot be read: each stops its partition, and nothing else.
 *
 * @module
 */

import { PipelineError } from "./errors.ts";

/** Why a batch of the log cannot be read: its checksum, its compression, its form, or its broker. */
export type StopReason = "checksum" | "compression" | "format" | "broker";

/** The reasons for which a partition is stopped. */
export const STOP_REASONS: readonly StopReason[] = ["checksum", "compression", "format", "broker"];

/** A partition that is stopped, since the next batch cannot be read. */
export interface StoppedPartition {
  /** The topic. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** The first offset that cannot be read. */
  readonly offset: number;
  /** Why, for machines. */
  readonly reason: StopReason;
  /** Why, for people: a sentence that names all of the above. */
  readonly why: string;
}

/** The next batch of a partition cannot be read. */
export class UnreadableError extends PipelineError {
  /** Where, and why. */
  readonly at: StoppedPartition;

  /** Its message is the sentence for people. */
  constructor(at: StoppedPartition, options?: ErrorOptions) {
    super("corrupt", at.why, options);
    this.at = at;
  }
}
