/**
 * Decompression of Kafka's batches.
 *
 * @module
 */

import { snappyUncompressor } from "hysnappy";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { unpackLz4 } from "./_lz4.ts";

/** Limit of a decompressed batch in bytes: brokers accept batches of 1 MiB by default. */
const MOST = 256 << 20;

const zlib = { maxOutputLength: MOST };

/** By the codec number in a batch's attributes (org.apache.kafka.common.record.CompressionType). */
const CODECS: ReadonlyMap<number, (packed: Uint8Array) => Uint8Array> = new Map([
  [1, (packed) => gunzipSync(packed, zlib)],
  [2, unpackSnappy],
  [3, (packed) => unpackLz4(packed, MOST)],
  [4, unpackZstd],
]);

/**
 * Decompresses the records of a batch.
 *
 * @param codec 0 to 7, from the batch; 0 is none.
 * @throws {RangeError} if the codec is unknown; any error if the bytes are invalid.
 */
export function unpack(codec: number, packed: Uint8Array): Uint8Array {
  if (codec === 0) return packed;
  const unpackOne = CODECS.get(codec);
  if (unpackOne === undefined) throw new RangeError(`there is no codec ${codec}`);
  // Node's zlib returns its own buffers, whose slices are not copies.
  const { buffer, byteOffset, length } = unpackOne(packed);
  return new Uint8Array(buffer, byteOffset, length);
}

/** One frame, as written by all producers. */
function unpackZstd(packed: Uint8Array): Uint8Array {
  const bytes = zstdDecompressSync(packed, zlib);
  // Deno's decoder returns nothing for a truncated frame; no producer compresses nothing.
  if (bytes.length === 0) throw new RangeError("the zstd frame ends too soon");
  return bytes;
}

/** Header that snappy-java writes before its own blocks; two versions of four bytes follow. */
const XERIAL = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
const XERIAL_HEADER = XERIAL.length + 8;

let uncompress: ReturnType<typeof snappyUncompressor> | undefined;

/** Java's clients write blocks with their lengths, librdkafka and others one bare block. */
function unpackSnappy(packed: Uint8Array): Uint8Array {
  const isXerial = (at: number) => XERIAL.every((byte, i) => packed[at + i] === byte);
  if (!isXerial(0)) return unpackBlock(packed);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const blocks: Uint8Array[] = [];
  let length = 0;
  for (let at = 0; at < packed.length;) {
    // Another stream may follow.
    if (isXerial(at)) at += XERIAL_HEADER;
    if (at === packed.length) break;
    const end = at + 4 + view.getInt32(at);
    if (end > packed.length || end < at + 4) throw new RangeError("a snappy block is cut off");
    const block = unpackBlock(packed.subarray(at + 4, end));
    length += block.length;
    if (length > MOST) throw new RangeError(`more than ${MOST} bytes`);
    blocks.push(block);
    at = end;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}

function unpackBlock(block: Uint8Array): Uint8Array {
  // The length comes first: seven bits per byte, the lowest first.
  let length = 0;
  for (let at = 0, unit = 1;; at++, unit *= 128) {
    const byte = block[at];
    if (byte === undefined || at > 4) throw new RangeError("a snappy block has no length");
    length += (byte & 127) * unit;
    if (byte < 128) break;
  }
  if (length > MOST) throw new RangeError(`more than ${MOST} bytes`);
  uncompress ??= snappyUncompressor();
  return uncompress(block, length);
}
