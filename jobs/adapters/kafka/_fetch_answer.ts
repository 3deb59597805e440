/**
 * The answer to a fetch, down to the bytes of the batches of each partition
 * (kafka.apache.org/protocol, Fetch response, versions 4 to 11).
 *
 * @module
 */

import type { FetchedPartition } from "./_kafkajs.ts";
import type { AbortedTransaction } from "./record_batch.ts";

/** An answer. */
export interface FetchAnswer {
  /** Milliseconds for which the broker asks not to be called; the client complies. */
  readonly clientSideThrottleTime: number;
  readonly partitions: readonly FetchedPartition[];
}

/**
 * Decodes an answer.
 *
 * @param apiVersion the version of the request.
 * @param createError creates the client's error for one of Kafka's error codes.
 */
export function decodeFetch(
  answer: Uint8Array,
  { apiVersion, createError }: {
    readonly apiVersion: number;
    readonly createError: (code: number) => Error;
  },
): FetchAnswer {
  // The client returns Node's buffers, whose slices are not copies.
  const reader = new Reader(new Uint8Array(answer.buffer, answer.byteOffset, answer.length));
  const clientSideThrottleTime = reader.int32();
  if (apiVersion >= 7) {
    const code = reader.int16();
    if (code !== 0) throw createError(code);
    // The fetch session, which is not used.
    reader.skip(4);
  }
  const partitions = reader.array(() => {
    const topic = reader.string();
    return reader.array((): FetchedPartition => {
      const partition = reader.int32();
      const code = reader.int16();
      // The high watermark.
      reader.skip(8);
      const end = Number(reader.int64());
      // The log start offset.
      if (apiVersion >= 5) reader.skip(8);
      const aborted = reader.array((): AbortedTransaction => ({
        producer: reader.int64(),
        firstOffset: Number(reader.int64()),
      }));
      // The preferred replica, for clients that state their location.
      if (apiVersion >= 11) reader.skip(4);
      const error = code === 0 ? undefined : createError(code);
      return { topic, partition, error, end, aborted, batches: reader.bytes() };
    });
  }).flat();
  return { clientSideThrottleTime, partitions };
}

/** Reads consecutive fields. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  int16(): number {
    return this.#view.getInt16((this.#at += 2) - 2);
  }

  int32(): number {
    return this.#view.getInt32((this.#at += 4) - 4);
  }

  int64(): bigint {
    return this.#view.getBigInt64((this.#at += 8) - 8);
  }

  string(): string {
    const length = this.int16();
    return new TextDecoder().decode(this.#bytes.subarray(this.#at, this.#at += length));
  }

  /** Empty if there is null in place of bytes. */
  bytes(): Uint8Array {
    const length = Math.max(0, this.int32());
    return this.#bytes.subarray(this.#at, this.#at += length);
  }

  /** Empty if there is null in place of an array. */
  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
}
