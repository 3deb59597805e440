import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { type AbortedTransaction, decodeBatches } from "./record_batch.ts";
import { batch, type BatchRecord, concat, marker } from "./testing/batches.ts";

const records = (...values: string[]): BatchRecord[] =>
  values.map((value) => ({ key: value, value }));

/** Values by offset. */
function read(bytes: Uint8Array, from = 0, aborted: AbortedTransaction[] = []) {
  const decoded = decodeBatches(bytes, { from, end: 100, aborted });
  const found = decoded.records.map(({ offset, value }) =>
    `${offset}${value === null ? "-" : new TextDecoder().decode(value)}`
  );
  return { found: found.join(" "), next: decoded.next, damage: decoded.damage };
}

Deno.test("decodeBatches() gives offsets, keys, values and times; headers are passed over", () => {
  const bytes = batch({
    base: 40,
    records: [
      { key: "k", value: "v", headers: { trace: "abc", empty: "" } },
      { key: null, value: "no key" },
      { key: "tombstone", value: null },
      { key: "ü", value: "" },
    ],
  });
  const { records: found, next } = decodeBatches(bytes, { from: 40, end: 44, aborted: [] });
  const text = new TextDecoder();
  assertEquals(found.map((r) => [r.offset, r.key, r.value && text.decode(r.value), r.timestamp]), [
    [40, "k", "v", 1_000],
    [41, "", "no key", 1_010],
    [42, "tombstone", null, 1_020],
    [43, "ü", "", 1_030],
  ]);
  assertEquals(next, 44);
});

Deno.test("decodeBatches() uses the log's own time if the batch has that type", () => {
  const { records: found } = decodeBatches(
    batch({ base: 0, attributes: 8, records: records("a", "b") }),
    { from: 0, end: 2, aborted: [] },
  );
  assertEquals(found.map(({ timestamp }) => timestamp), [9_000, 9_000]);
});

Deno.test("decodeBatches() begins at the position and keeps to whole batches", () => {
  const bytes = concat([
    batch({ base: 0, records: records("a", "b") }),
    batch({ base: 2, attributes: 1, pack: gzipSync, records: records("c", "d", "e") }),
    batch({ base: 9, records: records("f") }),
  ]);
  assertEquals(read(bytes, 3), { found: "3d 4e 9f", next: 10, damage: undefined });
  for (const left of [bytes.length - 1, bytes.length - 50, bytes.length - 68]) {
    assertEquals(read(bytes.subarray(0, left), 3), { found: "3d 4e", next: 5, damage: undefined });
  }
  assertEquals(read(new Uint8Array(), 3), { found: "", next: 3, damage: undefined });
});

Deno.test("decodeBatches() moves over batches that have no records, or no longer all", () => {
  const bytes = concat([
    batch({ base: 0, records: [], lastDelta: 4 }),
    batch({ base: 5, attributes: 4, records: [], lastDelta: 0 }),
    batch({ base: 6, records: [{ value: "x", offset: 3 }], lastDelta: 7 }),
  ]);
  assertEquals(read(bytes), { found: "9x", next: 14, damage: undefined });
});

Deno.test("decodeBatches() leaves aborted transactions out, and others of the same time in", () => {
  const transactional = (base: number, producer: bigint, ...values: string[]) =>
    batch({ base, producer, attributes: 0x10, records: records(...values) });
  const bytes = concat([
    transactional(0, 1n, "a", "b"),
    transactional(2, 2n, "c"),
    // Not in a transaction, though of the same producer.
    batch({ base: 3, producer: 1n, records: records("plain") }),
    // A key that looks like an abort marker.
    batch({ base: 4, producer: 2n, attributes: 0x10, records: [{ key: "\0\0\0\0", value: "d" }] }),
    marker(5, 1n, "commit"),
    transactional(6, 1n, "e"),
    marker(7, 2n, "abort"),
    transactional(8, 2n, "f"),
    marker(9, 1n, "abort"),
    marker(10, 2n, "commit"),
  ]);
  const aborted = [{ producer: 1n, firstOffset: 6 }, { producer: 2n, firstOffset: 2 }];
  assertEquals(read(bytes, 0, aborted), {
    found: "0a 1b 3plain 8f",
    next: 11,
    damage: undefined,
  });
  // From the middle of both, two aborted ones begin before the first batch.
  const late = concat([
    transactional(20, 1n, "x"),
    transactional(21, 2n, "y"),
    marker(22, 1n, "abort"),
  ]);
  const both = [{ producer: 1n, firstOffset: 3 }, { producer: 2n, firstOffset: 4 }];
  assertEquals(read(late, 20, both), { found: "", next: 23, damage: undefined });
});

Deno.test("decodeBatches() ends at a damaged batch, reports it, and returns the records before", () => {
  const good = batch({ base: 0, records: records("a", "b") });
  const changed = batch({ base: 2, records: records("c", "d") });
  changed[changed.length - 3]! ^= 1;
  const short = batch({ base: 2, records: records("c") });
  new DataView(short.buffer).setInt32(8, 20);
  const whole = batch({ base: 2, records: records("c") });
  const cases: [Uint8Array, string, string][] = [
    [changed, "checksum", "CRC-32C"],
    [short, "format", "32 bytes"],
    [whole.subarray(0, whole.length - 1), "format", "longer than what the broker sent"],
    [whole.subarray(0, 12), "format", "longer than what the broker sent"],
    [batch({ base: 200, records: records("c") }), "format", "ends at offset 201, the log at 100"],
    [batch({ base: 2, magic: 1, records: records("c") }), "format", "message format 1"],
    [batch({ base: 2, magic: 0, records: records("c") }), "format", "message format 0"],
    [batch({ base: 2, attributes: 5, records: records("c") }), "compression", "no codec 5"],
    [batch({ base: 2, attributes: 7, records: records("c") }), "compression", "no codec 7"],
    [batch({ base: 2, attributes: 1, records: records("c") }), "compression", "unpacked"],
    [batch({ base: 2, attributes: 2, records: records("c") }), "compression", "unpacked"],
    [batch({ base: 2, attributes: 3, records: records("c") }), "compression", "unpacked"],
    [batch({ base: 2, attributes: 4, records: records("c") }), "compression", "unpacked"],
    [batch({ base: 2, count: 3, records: records("c") }), "format", "malformed"],
    [batch({ base: 2, count: 0, records: records("c") }), "format", "malformed"],
    [batch({ base: 2, count: -1, records: records("c") }), "format", "malformed"],
    [batch({ base: 2, lastDelta: 0, records: records("c", "d") }), "format", "out of order"],
    [batch({ base: 2, records: [{ offset: 1 }, { offset: 1 }] }), "format", "out of order"],
  ];
  for (const [bad, reason, what] of cases) {
    const first = read(concat([good, bad]), 1);
    assertEquals([first.found, first.next], ["1b", 2], what);
    const after = what.includes("longer") ? [] : [batch({ base: 4, records: records("e") })];
    const { found, next, damage } = read(concat([bad, ...after]), 2);
    assertEquals([found, next, damage?.offset, damage?.reason], ["", 2, 2, reason], what);
    assertStringIncludes(damage!.what, what);
  }
  // In its middle, the position is the stopped one.
  assertEquals(read(changed, 3).damage?.offset, 3);
});

Deno.test("decodeBatches() throws at no bytes", () => {
  const whole = concat([
    batch({ base: 0, records: records("a", "b") }),
    batch({ base: 2, attributes: 0x10, producer: 3n, records: records("c") }),
    marker(3, 3n, "abort"),
  ]);
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 }),
    fc.nat(whole.length),
    (changes, left) => {
      const bytes = whole.slice(0, left);
      for (const [at, byte] of changes) if (at < left) bytes[at] = byte;
      const { found, next } = read(bytes, 0, [{ producer: 3n, firstOffset: 2 }]);
      return next >= 0 && next <= 100 && found.length < 10;
    },
  ));
});

Deno.test("decodeBatches() takes more records of one batch than a call takes arguments", () => {
  const many = Array.from({ length: 150_000 }, () => ({ value: "v" }));
  const { records: found, next } = decodeBatches(batch({ base: 0, records: many }), {
    from: 0,
    end: 150_000,
    aborted: [],
  });
  assertEquals([found.length, next], [150_000, 150_000]);
});
