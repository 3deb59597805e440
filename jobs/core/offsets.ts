/**
 * Positions in the log and vectors of them. A horizon is such a vector:
 * `H[topic][partition]` is the first offset that a batch generation has not folded.
 *
 * @module
 */

import { type Topic, TOPICS } from "./records.ts";

/** Offsets by topic; the array's index is the partition. */
export type OffsetVector = Readonly<Record<Topic, readonly number[]>>;

/** One partition of a topic of records. */
export interface TopicPartition {
  /** The topic. */
  readonly topic: Topic;
  /** From 0. */
  readonly partition: number;
}

/** `topic-partition`, as used in metrics, documents and messages. */
export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** A vector computed by a function of the partition. */
export function offsetVector(
  partitions: number,
  offset: (topic: Topic, partition: number) => number,
): OffsetVector {
  const vector = {} as Record<Topic, number[]>;
  for (const topic of TOPICS) {
    vector[topic] = Array.from({ length: partitions }, (_, p) => offset(topic, p));
  }
  return vector;
}

/** Every partition of a vector with its offset, in the order of topics and partitions. */
export function* eachOffset(
  vector: OffsetVector,
): Generator<TopicPartition & { readonly offset: number }> {
  for (const topic of TOPICS) {
    for (const [partition, offset] of vector[topic].entries()) yield { topic, partition, offset };
  }
}

/** Whether `a` is at or beyond `b` in every partition (a partial order). */
export function covers(a: OffsetVector, b: OffsetVector): boolean {
  for (const { topic, partition, offset } of eachOffset(b)) {
    if ((a[topic][partition] ?? -1) < offset) return false;
  }
  return true;
}

/** The number of records between two vectors: the sum of `max(0, to - from)`. */
export function distance(from: OffsetVector, to: OffsetVector): number {
  let sum = 0;
  for (const { topic, partition, offset } of eachOffset(to)) {
    sum += Math.max(0, offset - (from[topic][partition] ?? 0));
  }
  return sum;
}
