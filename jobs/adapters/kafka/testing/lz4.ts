/**
 * Writes LZ4 frames of every kind in the format; valid, but poorly compressed.
 *
 * @module
 */

import { concat } from "./batches.ts";

/** The kind of frame. */
export interface FrameOptions {
  /** Bytes of content per block; the format's smallest limit is 64 KiB. */
  readonly blockBytes?: number;
  /** Matches reach back into earlier blocks. */
  readonly linked?: boolean;
  readonly blockChecksums?: boolean;
  readonly contentChecksum?: boolean;
  readonly contentSize?: boolean;
  /** Blocks are stored uncompressed. */
  readonly stored?: boolean;
}

/** One frame. Its checksums are arbitrary: the reader skips them. */
export function packLz4(content: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const { blockBytes = 65_536, linked = false, stored = false } = options;
  const flags = 0x40 | (linked ? 0 : 0x20) | (options.blockChecksums ? 0x10 : 0) |
    (options.contentSize ? 8 : 0) | (options.contentChecksum ? 4 : 0);
  const checksum = Uint8Array.of(1, 2, 3, 4);
  const parts = [little(0x184d2204), Uint8Array.of(flags, 0x40)];
  if (options.contentSize) parts.push(little(content.length), little(0));
  parts.push(Uint8Array.of(0));
  for (let at = 0; at < content.length; at += blockBytes) {
    const end = Math.min(content.length, at + blockBytes);
    const block = stored ? content.subarray(at, end) : packBlock(content, at, end, linked ? 0 : at);
    parts.push(little(stored ? (block.length | 0x80000000) >>> 0 : block.length), block);
    if (options.blockChecksums) parts.push(checksum);
  }
  parts.push(little(0));
  if (options.contentChecksum) parts.push(checksum);
  return concat(parts);
}

/**
 * Compresses `[start, end)` with matches of at least four bytes that reach back to `first` at most.
 */
function packBlock(content: Uint8Array, start: number, end: number, first: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const known = new Map<number, number>();
  const four = (at: number) => new DataView(content.buffer, content.byteOffset).getUint32(at);
  for (let at = Math.max(first, start - 65_535); at < start - 3; at++) known.set(four(at), at);
  let literals = start;
  for (let at = start; at < end - 12;) {
    const before = known.get(four(at));
    known.set(four(at), at);
    if (before === undefined || at - before > 65_535) {
      at++;
      continue;
    }
    let length = 4;
    while (at + length < end - 5 && content[before + length] === content[at + length]) length++;
    const offset = at - before;
    parts.push(
      sequence(content.subarray(literals, at), length - 4),
      Uint8Array.of(offset & 255, offset >> 8),
      more(length - 4),
    );
    at += length;
    literals = at;
  }
  parts.push(sequence(content.subarray(literals, end), 0));
  return concat(parts);
}

function sequence(literals: Uint8Array, match: number): Uint8Array {
  const token = Math.min(15, literals.length) << 4 | Math.min(15, match);
  return concat([Uint8Array.of(token), more(literals.length), literals]);
}

/** Encodes a length beyond the 15 of its nibble. */
function more(length: number): Uint8Array {
  if (length < 15) return new Uint8Array();
  const rest = length - 15;
  return Uint8Array.from([...Array(Math.floor(rest / 255)).fill(255), rest % 255]);
}

function little(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
