/**
 * LZ4 frames (github.com/lz4/lz4, doc/lz4_Frame_format.md 1.6.3 and lz4_Block_format.md). An
 * implementation of our own, since the packages on npm are native code, which a binary with least
 * privilege may not load, or read bare blocks only, or are no longer maintained.
 *
 * Checksums of the frame are skipped: the enclosing batch has one, which is checked.
 *
 * @module
 */

const MAGIC = 0x184d2204;

/** Frames with one of these 16 magic numbers carry other data and are skipped. */
const SKIPPABLE = 0x184d2a50;

/**
 * Decompresses consecutive frames.
 *
 * @param most limit of the output, in bytes.
 * @throws {RangeError} if the input is not made of whole frames, or the output exceeds the limit.
 */
export function unpackLz4(packed: Uint8Array, most: number): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const output = new Output(most, Math.min(most, packed.length * 4));
  let at = 0;
  while (at < packed.length) {
    const magic = view.getUint32(at, true);
    if ((magic & ~0xf) >>> 0 === SKIPPABLE) at += 8 + view.getUint32(at + 4, true);
    else if (magic === MAGIC) at = unpackFrame(view, at + 4, output);
    else throw new RangeError(`no LZ4 frame begins with ${magic.toString(16)}`);
  }
  if (at > packed.length) throw new RangeError("the LZ4 frame ends too soon");
  return output.bytes();
}

/** Decompresses the frame whose descriptor begins at `at`; returns its end. */
function unpackFrame(view: DataView, at: number, output: Output): number {
  const flags = view.getUint8(at);
  const size = view.getUint8(at + 1) >> 4 & 7;
  if (flags >> 6 !== 1 || size < 4) throw new RangeError("the LZ4 frame is of another version");
  if (flags & 1) throw new RangeError("the LZ4 frame needs a dictionary");
  const independent = (flags & 0x20) !== 0;
  const checked = (flags & 0x10) !== 0;
  // Flags, block size and header checksum, and the content size if present.
  at += flags & 8 ? 11 : 3;
  const start = output.length;
  for (;;) {
    const word = view.getUint32(at, true);
    at += 4;
    // The end mark, and the content checksum if present.
    if (word === 0) return flags & 4 ? at + 4 : at;
    const length = word & 0x7fffffff;
    if (at + length > view.byteLength) throw new RangeError("the LZ4 frame ends too soon");
    const block = new Uint8Array(view.buffer, view.byteOffset + at, length);
    // 64 KiB, 256 KiB, 1 MiB or 4 MiB.
    output.reserve(1 << 8 + 2 * size);
    if (word >>> 31) output.append(block);
    else unpackBlock(block, output, independent ? output.length : start);
    at += checked ? length + 4 : length;
  }
}

/** Decompresses one block, whose matches may reach back to `first`. */
function unpackBlock(block: Uint8Array, output: Output, first: number): void {
  let at = 0;
  const count = (nibble: number) => {
    let sum = nibble;
    if (nibble === 15) {
      let byte: number | undefined;
      do {
        byte = block[at++];
        if (byte === undefined) throw new RangeError("the LZ4 block ends too soon");
        sum += byte;
      } while (byte === 255);
    }
    return sum;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = count(token >> 4);
    if (at + literals > block.length) throw new RangeError("the LZ4 block ends too soon");
    output.append(block.subarray(at, at += literals));
    // The last sequence has no match.
    if (at === block.length) return;
    if (at + 2 > block.length) throw new RangeError("the LZ4 block ends too soon");
    const offset = block[at]! | block[at + 1]! << 8;
    at += 2;
    if (offset === 0 || offset > output.length - first) {
      throw new RangeError(`the LZ4 block refers to ${offset} bytes before`);
    }
    output.repeat(offset, count(token & 15) + 4);
  }
}

/** A buffer that grows up to a limit. */
class Output {
  #bytes: Uint8Array;
  length = 0;

  constructor(readonly most: number, expected: number) {
    this.#bytes = new Uint8Array(expected);
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  reserve(more: number): void {
    const needed = Math.min(this.most, this.length + more);
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.min(this.most, Math.max(needed, 2 * this.#bytes.length)));
    larger.set(this.bytes());
    this.#bytes = larger;
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    // For a few bytes, a loop is cheaper than a call.
    if (bytes.length > 16) this.#bytes.set(bytes, this.length);
    else for (let i = 0; i < bytes.length; i++) this.#bytes[this.length + i] = bytes[i]!;
    this.length += bytes.length;
  }

  /** Appends the bytes at distance `offset`, which may overlap those being appended. */
  repeat(offset: number, length: number): void {
    this.#room(length);
    const bytes = this.#bytes;
    let to = this.length;
    const end = to + length;
    if (offset >= length && length > 16) bytes.copyWithin(to, to - offset, end - offset);
    else for (; to < end; to++) bytes[to] = bytes[to - offset]!;
    this.length = end;
  }

  #room(more: number): void {
    if (this.length + more > this.most) throw new RangeError(`more than ${this.most} bytes`);
    this.reserve(more);
  }
}
