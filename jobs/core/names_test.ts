import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareSpellings, mergeSpellings, nameKey, NO_SPELLING } from "./names.ts";

const name = fc.string({ unit: "binary" }).map((text) => text.toWellFormed());

Deno.test("nameKey() makes small letters of A to Z, and leaves all else as it is", () => {
  assertEquals(nameKey("AskMen"), "askmen");
  assertEquals(nameKey("u/[deleted]_09-Z@`[{"), "u/[deleted]_09-z@`[{");
  // Letters that other rules would change, some of them into ASCII letters.
  for (const other of ["É", "ß", "İ", "\u017f", "\u212a", "Σ", "🎈", ""]) {
    assertEquals(nameKey(other), other);
  }
});

Deno.test("nameKey() is idempotent, and keeps the length and every character but A to Z", () => {
  fc.assert(fc.property(name, (name) => {
    const key = nameKey(name);
    assertEquals([nameKey(key), key.length], [key, name.length]);
    for (let i = 0; i < name.length; i++) {
      const capital = name[i]! >= "A" && name[i]! <= "Z";
      assertEquals(key.charCodeAt(i), name.charCodeAt(i) + (capital ? 32 : 0));
    }
  }));
});

Deno.test("mergeSpellings() takes the one that was written last, and no other", () => {
  const [early, late] = [{ name: "z", name_timestamp: 1 }, { name: "A", name_timestamp: 2 }];
  assertEquals(mergeSpellings([late, NO_SPELLING, early]), late);
  assertEquals(mergeSpellings([early, { name: "a", name_timestamp: 1 }]), early);
  assertEquals(mergeSpellings([]), NO_SPELLING);
  assert(compareSpellings(NO_SPELLING, { name: "", name_timestamp: 0 }) < 0);
});
