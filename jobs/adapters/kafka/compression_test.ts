import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { snappyCompress } from "hysnappy";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { crc32c } from "./crc32c.ts";
import { unpackLz4 } from "./_lz4.ts";
import { unpack } from "./compression.ts";
import { concat } from "./testing/batches.ts";
import { packLz4 } from "./testing/lz4.ts";

/** Bytes with repetitions near and far, like records, and some without. */
function content(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let seed = 7;
  for (let at = 0; at < length; at++) {
    seed = seed * 1_103_515_245 + 12_345 & 0x7fffffff;
    bytes[at] = at % 1_000 < 900 ? at * 7 % 251 : seed >> 16;
  }
  return bytes;
}

const SIZES = [0, 1, 11, 12, 13, 300, 65_535, 65_536, 65_537, 1_000_000];

/** snappy-java's stream of blocks. */
function xerial(bytes: Uint8Array, blockBytes = 32_768): Uint8Array {
  const header = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
  const parts: Uint8Array[] = [Uint8Array.from(header)];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = snappyCompress(bytes.subarray(at, at + blockBytes));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, block.length);
    parts.push(length, block);
  }
  return concat(parts);
}

const PACKERS: Record<string, { codec: number; pack: (bytes: Uint8Array) => Uint8Array }> = {
  "none": { codec: 0, pack: (bytes) => bytes },
  "gzip": { codec: 1, pack: (bytes) => gzipSync(bytes) },
  "snappy, bare": { codec: 2, pack: snappyCompress },
  "snappy as Java frames it": { codec: 2, pack: (bytes) => xerial(bytes) },
  "lz4": { codec: 3, pack: (bytes) => packLz4(bytes) },
  "lz4, linked": { codec: 3, pack: (bytes) => packLz4(bytes, { linked: true }) },
  "lz4, stored": { codec: 3, pack: (bytes) => packLz4(bytes, { stored: true }) },
  "lz4 with all that the format has": {
    codec: 3,
    pack: (bytes) =>
      packLz4(bytes, {
        linked: true,
        blockChecksums: true,
        contentChecksum: true,
        contentSize: true,
      }),
  },
  "zstd": { codec: 4, pack: (bytes) => zstdCompressSync(bytes) },
};

for (const [name, { codec, pack }] of Object.entries(PACKERS)) {
  Deno.test(`unpack() restores the packed bytes: ${name}`, () => {
    // No producer sends an empty batch; a zstd frame without content looks like a truncated one.
    for (const size of codec === 4 ? SIZES.slice(1) : SIZES) {
      const bytes = content(size);
      assertEquals(unpack(codec, pack(bytes)), bytes, `${size} bytes`);
    }
  });
  if (codec === 0) continue;

  Deno.test(`unpack() refuses truncated bytes: ${name}`, () => {
    const packed = pack(content(100_000));
    for (const left of [1, 5, 20, packed.length >> 1, packed.length - 1]) {
      assertThrows(() => unpack(codec, packed.subarray(0, left)), Error, undefined, `${left}`);
    }
  });

  Deno.test(`unpack() ends with an error or with bytes where some were changed: ${name}`, () => {
    const packed = pack(content(3_000));
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const damaged = new Uint8Array(packed);
        damaged[at]! ^= bits;
        try {
          unpack(codec, damaged);
        } catch (error) {
          return error instanceof Error;
        }
      }),
    );
    assertEquals(
      unpack(codec, packed),
      content(3_000),
      "and whole ones afterwards",
    );
  });
}

Deno.test("unpack() reads streams that follow one another", () => {
  const [one, two] = [content(50_000), content(70_000)];
  const packers: [number, (bytes: Uint8Array) => Uint8Array][] = [
    [1, gzipSync],
    [2, xerial],
    [3, packLz4],
  ];
  for (const [codec, pack] of packers) {
    assertEquals(
      unpack(codec, concat([pack(one), pack(two)])),
      concat([one, two]),
      `codec ${codec}`,
    );
  }
});

Deno.test("unpack() passes frames of LZ4 over that are meant to be", () => {
  const skipped = concat([Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9)]);
  const packed = concat([skipped, packLz4(content(100)), skipped]);
  assertEquals(unpack(3, packed), content(100));
});

Deno.test("unpack() names a codec that there is not", () => {
  for (const codec of [5, 6, 7]) {
    assertThrows(() => unpack(codec, content(10)), RangeError, `there is no codec ${codec}`);
  }
});

Deno.test("unpack() refuses what unpacks to more than memory has", () => {
  const bomb = zstdCompressSync(new Uint8Array(300 << 20));
  assertThrows(() => unpack(4, bomb), Error);
  // 400 MiB, in the length before a snappy block.
  assertThrows(
    () => unpack(2, Uint8Array.of(0x80, 0x80, 0x80, 0xc8, 1, 0)),
    RangeError,
    "268435456",
  );
});

Deno.test("unpackLz4() stops at the limit", () => {
  const packed = packLz4(new Uint8Array(100_000));
  assertEquals(unpackLz4(packed, 100_000).length, 100_000);
  assertThrows(() => unpackLz4(packed, 99_999), RangeError, "more than 99999 bytes");
});

Deno.test("crc32c() is that of RFC 3720", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  assertEquals(crc32c(ascending), 0x46dd794e);
  assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assertEquals(crc32c(new Uint8Array()), 0);
});
