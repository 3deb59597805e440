/**
 * The partition of a key, as Kafka's own clients compute it (murmur2 of the UTF-8 bytes, sign bit
 * cleared, modulo the number of partitions), so that any producer puts a post and its comments
 * under the same partition number.
 *
 * @module
 */

const encoder = new TextEncoder();

/** The partition of `partitions` that a key belongs to. */
export function partitionFor(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions;
}

/**
 * MurmurHash2, 32 bits, with the seed that Kafka uses (`Utils.murmur2` of
 * `org.apache.kafka.common.utils`, seed 0x9747b28c). Returns a signed integer.
 */
export function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  const length = data.length;
  let h = 0x9747b28c ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k = data[i]! | data[i + 1]! << 8 | data[i + 2]! << 16 | data[i + 3]! << 24;
    k = Math.imul(k, m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  switch (length - i) {
    case 3:
      h ^= data[i + 2]! << 16; // falls through
    case 2:
      h ^= data[i + 1]! << 8; // falls through
    case 1:
      h = Math.imul(h ^ data[i]!, m);
  }
  h = Math.imul(h ^ h >>> 13, m);
  return h ^ h >>> 15;
}
