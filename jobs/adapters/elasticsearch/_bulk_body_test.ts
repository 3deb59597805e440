import type { StoredDocument } from "@pipeline/core";
import { assertEquals } from "@std/assert";
import { bulkLines, bulkParts } from "./_bulk_body.ts";

function document(id: string, title = ""): StoredDocument {
  return { id, version: 7, body: { type: "post", title } } as unknown as StoredDocument;
}

const BOUNDS = { bulkDocuments: 100, bulkBytes: 1_000_000 };

/** Ids by request. */
function cut(documents: readonly StoredDocument[], bounds: Partial<typeof BOUNDS>) {
  return [...bulkParts(documents, { ...BOUNDS, ...bounds })].map((part) => {
    assertEquals(part.lines.length, part.documents.length);
    return part.documents.map(({ id }) => id).join("");
  });
}

Deno.test("bulkLines() writes a line each, whatever the id is made of", () => {
  const [action, source] = bulkLines(document('a"\n|', "two\nlines"));
  assertEquals(action.includes("\n") || source.includes("\n"), false);
  const { index } = JSON.parse(action);
  assertEquals(index, { _id: 'a"\n|', version: 7, version_type: "external" });
  assertEquals(JSON.parse(source), { id: 'a"\n|', type: "post", title: "two\nlines" });
});

Deno.test("bulkParts() begins a request where the next document would be one, or a byte, too many", () => {
  const documents = [..."abcde"].map((id) => document(id));
  assertEquals(cut(documents, {}), ["abcde"]);
  assertEquals(cut(documents, { bulkDocuments: 2 }), ["ab", "cd", "e"]);
  const size = bulkLines(documents[0]!).join("").length + 2;
  assertEquals(cut(documents, { bulkBytes: 2 * size }), ["ab", "cd", "e"]);
  assertEquals(cut(documents, { bulkBytes: 2 * size - 1 }), ["a", "b", "c", "d", "e"]);
  assertEquals(cut([], {}), []);
});

Deno.test("bulkParts() sends a document alone that is larger than a request may be", () => {
  const large = document("b", "x".repeat(500));
  const bounds = { bulkBytes: 300 };
  assertEquals(cut([document("a"), large, document("c")], bounds), ["a", "b", "c"]);
  assertEquals(cut([large, document("c")], bounds), ["b", "c"]);
});
