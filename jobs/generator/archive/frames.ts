/**
 * Where zstd frames and their blocks begin and end in a stream (RFC 8878, section 3.1), found
 * without decompressing. Decoders are then given one frame at a time: ours stops without an
 * error at the end of a frame that others follow, and at the end of a file that was
 * cut off, and both would lose records silently. And they are given one block at a time: where ours
 * has more to put out than it has room for, it goes on with its input outside of its stream, and
 * what it finds damaged there, nobody can catch. A block it has read before it puts anything out.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** First four bytes of a frame, as a little-endian number. */
export const FRAME_MAGIC = 0xfd2fb528;

/** Whether the number begins a frame that carries no data. */
export function isSkippable(magic: number): boolean {
  return magic >>> 4 === 0x184d2a5;
}

/** A part of a frame, of one block at most. */
export interface FramePiece {
  readonly bytes: Uint8Array;
  /** Whether the frame ends with it. */
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

/** Cuts a stream into frames; frames without data are left out. */
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
   * The parts of frames in the next bytes of the stream.
   *
   * @throws {PipelineError} `corrupt` where they are no zstd.
   */
  push(chunk: Uint8Array): FramePiece[] {
    const pieces: FramePiece[] = [];
    let at = 0;
    // Where the part begins that has not been given out; not inside of a frame, nowhere.
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
        // The number may have come in pieces, before it was known that a frame begins.
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

  /** Acts on the bytes that were wanted, and says which are wanted next. */
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
        // A block of one repeated byte holds that byte; its size is that of the result.
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
