import { assertEquals } from "@std/assert";
import { Terms } from "./_terms.ts";

const at = (term: number, seq: number) => ({ term, seq });

Deno.test("Terms.check() finds no loss while one primary goes on", () => {
  const terms = new Terms();
  assertEquals([terms.greatest("a"), terms.check("a", at(3, 7), -1)], [-1, false]);
  for (const seq of [9, 8]) terms.note("a", at(3, seq));
  assertEquals([terms.greatest("a"), terms.check("a", at(3, 10), terms.greatest("a"))], [9, false]);
  assertEquals(terms.check("b", at(1, 0), terms.greatest("b")), false, "each index has its own");
  // What others write meanwhile is behind the moment at which the operation was sent.
  const after = terms.greatest("a");
  terms.note("a", at(3, 12));
  assertEquals(terms.check("a", at(3, 11), after), false);
});

Deno.test("Terms.check() reports once that the primary has changed, whoever saw it", () => {
  for (const other of [2, 4]) {
    const terms = new Terms();
    terms.check("a", at(3, 7), -1);
    assertEquals(terms.check("a", at(other, 8), 7), true);
    assertEquals(terms.check("a", at(other, 9), 8), false);
    terms.note("a", at(5, 10));
    terms.note("a", at(other, 11));
    assertEquals(terms.check("a", at(other, 12), 11), true);
    assertEquals(terms.check("a", at(other, 13), 12), false);
  }
});

Deno.test("Terms.check() recognises a new index by its sequence numbers", () => {
  const terms = new Terms();
  terms.note("a", at(1, 7));
  assertEquals(terms.check("a", at(1, 7), terms.greatest("a")), true);
  assertEquals(terms.check("a", at(1, 8), terms.greatest("a")), false);
});
