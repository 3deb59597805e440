/**
 * xxHash64 with seed 42 over UTF-8 bytes: what Spark's `xxhash64` computes for a
 * string, so that every engine derives the same HyperLogLog registers.
 *
 * @module
 */

import xxhash from "xxhash-wasm";

const SEED = 42n;
const { h64, h64Raw } = await xxhash();

/** Hash of the text's UTF-8 bytes: 16 hexadecimal digits. */
export function hashText(text: string): string {
  return h64(text, SEED).toString(16).padStart(16, "0");
}

/** Hash of bytes: 16 hexadecimal digits. */
export function hashBytes(bytes: Uint8Array): string {
  return h64Raw(bytes, SEED).toString(16).padStart(16, "0");
}
