/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), with which Kafka protects its batches. Node's zlib
 * only has the other polynomial. Eight bytes per step, after Intel's "slicing by 8".
 *
 * @module
 */

const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256 entries: the effect of a byte followed by 0 to 7 others. */
const TABLES = tables();

function tables(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256]!;
    table[at] = (before >>> 8) ^ table[before & 0xff]!;
  }
  return table;
}

/** The checksum of bytes, as an unsigned integer of 32 bits. */
export function crc32c(bytes: Uint8Array): number {
  const t = TABLES;
  const end = bytes.length & ~7;
  let crc = -1;
  let at = 0;
  for (; at < end; at += 8) {
    crc ^= bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    crc = t[1792 | crc & 0xff]! ^ t[1536 | crc >>> 8 & 0xff]! ^
      t[1280 | crc >>> 16 & 0xff]! ^ t[1024 | crc >>> 24]! ^
      t[768 | bytes[at + 4]!]! ^ t[512 | bytes[at + 5]!]! ^
      t[256 | bytes[at + 6]!]! ^ t[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = crc >>> 8 ^ t[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}
