/**
 * Finds the boundaries of zstd frames and their blocks in a stream (RFC 8878, section 3.1), without
 * decompressing. Decoders are then given one frame at a time: ours stops without an error at the
 * end of a frame that others follow, and at the end of a truncated file, and both would lose
 * records silently. And they are given one block at a time: if ours has more output than buffer
 * space, it continues with its input outside of its stream, where errors about damaged data cannot
 * be caught. It reads a block before it outputs anything.
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** First four bytes of a frame, as a little-endian number. */
export const FRAME_MAGIC = 0xfd2fb528;

/** Whether the number begins a frame that carries no data. */
export function isSkippable(magic: number): boolean {
  return magic >>> 4 === 0x184d2a5;
}

/** A part of a frame, of at most one block. */
export interface FramePiece {
  readonly bytes: Uint8Array;
  /** Whether the frame ends with this piece. */
  readonly end: boolean;
}

type State =
  | "magic"
  | "descriptor"
  | "header"
  | "block"
  | "payload"
  | "checksum"
  | "skip size"
  | "skip";

/** Bytes of dictionary id and content size, by their flags. */
const DICTIONARY_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** Splits a stream into frames, without those that carry no data. */
export class FrameSplitter {
  readonly #head = new Uint8Array(4);
  #state: State = "magic";
  #wanted = 4;
  #got = 0;
  #checksum = false;
  #lastBlock = false;

  /** Whether the stream may end here. */
  get complete(): boolean {
    return this.#state === "magic" && this.#got === 0;
  }

  /**
   * The pieces of frames in the next bytes of the stream.
   *
   * @throws {PipelineError} `corrupt` if the bytes are not zstd.
   */
  push(chunk: Uint8Array): FramePiece[] {
    const pieces: FramePiece[] = [];
    let at = 0;
    // Start of the current piece; -1 outside of a frame.
    let from = this.#inFrame ? 0 : -1;
    while (at < chunk.length) {
      const count = Math.min(this.#wanted - this.#got, chunk.length - at);
      if (this.#wanted <= 4) this.#head.set(chunk.subarray(at, at + count), this.#got);
      this.#got += count;
      at += count;
      if (this.#got < this.#wanted) break;
      const wasInFrame = this.#inFrame;
      this.#advance();
      if (wasInFrame) {
        if (!this.#betweenBlocks) continue;
        pieces.push({ bytes: chunk.subarray(from, at), end: !this.#inFrame });
        from = this.#inFrame ? at : -1;
      } else if (this.#inFrame) {
        // The magic number may have been split, and was not yet known to begin a frame.
        pieces.push({ bytes: this.#head.slice(), end: false });
        from = at;
      }
    }
    if (from >= 0 && from < chunk.length) {
      pieces.push({ bytes: chunk.subarray(from), end: false });
    }
    return pieces;
  }

  get #inFrame(): boolean {
    return this.#state !== "magic" && this.#state !== "skip" && this.#state !== "skip size";
  }

  /** Whether a block, the frame's header or the frame has just ended. */
  get #betweenBlocks(): boolean {
    return this.#state === "block" || this.#state === "checksum" || !this.#inFrame;
  }

  /** Processes the bytes that were requested, and requests the next ones. */
  #advance(): void {
    const head = this.#head;
    switch (this.#state) {
      case "magic": {
        const magic = new DataView(head.buffer).getUint32(0, true);
        if (magic === FRAME_MAGIC) return this.#want("descriptor", 1);
        if (isSkippable(magic)) return this.#want("skip size", 4);
        throw new PipelineError("corrupt", "Something other than a zstd frame follows");
      }
      case "descriptor": {
        const flags = head[0]!;
        const singleSegment = (flags & 0x20) !== 0;
        this.#checksum = (flags & 0x04) !== 0;
        const sizeBytes = CONTENT_SIZE_BYTES[flags >> 6]! || (singleSegment ? 1 : 0);
        const rest = (singleSegment ? 0 : 1) + DICTIONARY_BYTES[flags & 3]! + sizeBytes;
        return this.#want("header", rest);
      }
      case "header":
        return this.#want("block", 3);
      case "block": {
        const header = head[0]! | head[1]! << 8 | head[2]! << 16;
        const type = header >> 1 & 3;
        if (type === 3) throw new PipelineError("corrupt", "A zstd block has a reserved type");
        this.#lastBlock = (header & 1) !== 0;
        // A block of one repeated byte contains that byte; its size is that of the result.
        return this.#want("payload", type === 1 ? 1 : header >> 3);
      }
      case "payload":
        if (!this.#lastBlock) return this.#want("block", 3);
        return this.#checksum ? this.#want("checksum", 4) : this.#want("magic", 4);
      case "skip size":
        return this.#want("skip", new DataView(head.buffer).getUint32(0, true));
      case "checksum":
      case "skip":
        return this.#want("magic", 4);
    }
  }

  #want(state: State, count: number): void {
    this.#state = state;
    this.#wanted = count;
    this.#got = 0;
    // An empty block or skippable frame is complete at once.
    if (count === 0) this.#advance();
  }
}
