import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Key, KeyTable, mix, START_HASH } from "./_keys.ts";
import { nameKey } from "./names.ts";

/** Small numbers make equal ids likely; other texts have characters of up to four bytes. */
const ids = fc.oneof(fc.nat(300).map((n) => `t1_${n}`), fc.string({ unit: "grapheme" }))
  .filter((id) => id.isWellFormed());

Deno.test("KeyTable numbers ids in the order in which they come, like a Map", () => {
  fc.assert(fc.property(fc.array(ids, { maxLength: 400, size: "max" }), (texts) => {
    const table = new KeyTable();
    const model = new Map<string, number>();
    const key = new Key();
    for (const text of texts) {
      assertEquals(table.find(key.set(text)), model.get(text) ?? -1);
      if (model.has(text)) continue;
      model.set(text, model.size);
      assertEquals(table.add(key), model.get(text));
    }
    assertEquals([table.size, table.found], [model.size, model.size]);
    const read = table.reader();
    for (const [text, number] of model) {
      assertEquals([table.text(number), read(number)], [text, text]);
      assertEquals(table.find(key.set(text)), number);
    }
  }));
});

Deno.test("KeyTable distinguishes ids whose hashes are equal", () => {
  const table = new KeyTable();
  const [one, other] = ["costarring", "liquid"].map((text) => new Key().set(text));
  assertEquals(one!.hash, other!.hash);
  assertEquals([table.add(one!), table.find(other!), table.add(other!)], [0, -1, 1]);
  assertEquals([table.find(one!), table.find(other!)], [0, 1]);
});

/** Few letters, so that spellings of one name are frequent. */
const names = fc.string({
  unit: fc.constantFrom("a", "A", "b", "B", "é", "É", "[", "{"),
  maxLength: 5,
});

Deno.test("KeyTable numbers names by their keys", () => {
  fc.assert(fc.property(fc.array(names, { maxLength: 100, size: "max" }), (texts) => {
    const table = new KeyTable({ names: true });
    const model = new Map<string, number>();
    const key = new Key();
    for (const text of texts) {
      const known = model.get(nameKey(text));
      assertEquals(table.find(key.set(text)), known ?? -1);
      assertEquals(new TextDecoder().decode(key.folded()), nameKey(text));
      if (known !== undefined) continue;
      model.set(nameKey(text), model.size);
      assertEquals(table.text(table.add(key)), text);
    }
    assertEquals(table.size, model.size);
  }));
});

Deno.test("KeyTable distinguishes ids that differ in case", () => {
  const table = new KeyTable();
  assertEquals([table.add(new Key().set("ab")), table.find(new Key().set("aB"))], [0, -1]);
});

Deno.test("KeyTable.replace() holds another spelling of a name, and compare() orders it by bytes", () => {
  const table = new KeyTable({ names: true });
  for (const text of ["ab", "cd", "é"]) table.add(new Key().set(text));
  const other = new Key().set("Cd");
  assert(table.compare(1, other) < 0);
  table.replace(1, other);
  assertEquals([table.compare(1, other), table.find(new Key().set("cd"))], [0, 1]);
  assertEquals([0, 1, 2].map((number) => table.text(number)), ["ab", "Cd", "é"]);
});

Deno.test("KeyTable.append() gives numbers that find() does not find", () => {
  const table = new KeyTable();
  const key = new Key().set("a");
  assertEquals([table.add(key), table.append(key), table.find(key)], [0, 1, 0]);
  assertEquals([table.size, table.found, table.text(1)], [2, 1, "a"]);
});

Deno.test("Key.is() rejects bytes that only look like the text", () => {
  const key = new Key().set("é");
  // The bytes of one equal the UTF-16 units of the other.
  assert(!key.is("Ã©"));
  assert(new Key().set("ab").is("ab"));
  assert(!new Key().set("ab").is("abc"));
  assertEquals(key.toString(), "é");
});

Deno.test("Key.set() never writes into what a record lies in", () => {
  const record = new TextEncoder().encode("abc");
  const key = new Key();
  key.bytes = record;
  key.set("xyz");
  assertEquals(new TextDecoder().decode(record), "abc");
});

Deno.test("mix() is FNV-1a", () => {
  const hash = [..."foobar"].reduce((h, c) => mix(h, c.charCodeAt(0)), START_HASH);
  assertEquals(hash >>> 0, 0xbf9cf968);
});
