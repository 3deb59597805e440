import { hasCode, PipelineError, type StoredDocument } from "@pipeline/core";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type ItemAnswer, sortAnswer } from "./_bulk_answer.ts";

const WRITTEN: ItemAnswer = { status: 201 };
const NEWER: ItemAnswer = {
  status: 409,
  error: { type: "version_conflict_engine_exception", reason: "[a]: conflict" },
};
const BUSY: ItemAnswer = {
  status: 429,
  error: { type: "es_rejected_execution_exception", reason: "queue is full" },
};
const AWAY: ItemAnswer = { status: 503, error: { type: "unavailable_shards_exception" } };
const REFUSED: ItemAnswer = {
  status: 400,
  error: { type: "strict_dynamic_mapping_exception", reason: "[1:2] mapping set" },
};
const GONE: ItemAnswer = { status: 404, error: { type: "index_not_found_exception" } };

/** The answers sorted, for documents `d0`, `d1` and so on. */
function sorted(...items: ItemAnswer[]) {
  const documents = items.map((_, i) => ({ id: `d${i}`, version: 1, body: {} }));
  return sortAnswer("alias", documents as unknown as StoredDocument[], items);
}

Deno.test("sortAnswer() retries only those items that were refused for the moment", () => {
  assertEquals(sorted(WRITTEN, NEWER), { again: [] });
  const { again, error } = sorted(WRITTEN, BUSY, NEWER, AWAY);
  assertEquals(again, [1, 3]);
  // The first of them determines the error.
  assertStringIncludes(error?.message ?? "", "queue is full");
});

Deno.test("sortAnswer() names the first document that is refused for good, whatever else is to be retried", () => {
  const one = assertThrows(() => sorted(BUSY, REFUSED), PipelineError);
  assertEquals(one.code, "invalid");
  assertStringIncludes(one.message, 'refuses document "d1"');
  const many = assertThrows(() => sorted(REFUSED, WRITTEN, REFUSED, REFUSED), PipelineError);
  assertStringIncludes(many.message, 'refuses document "d0"');
  assertStringIncludes(many.message, "(and 2 more)");
});

Deno.test("sortAnswer() ends at once where the index is gone", () => {
  const error = assertThrows(() => sorted(BUSY, GONE, REFUSED), PipelineError);
  assertEquals([error.code, error.message], ["not_found", "There is no index behind alias"]);
});

Deno.test("sortAnswer() believes no answer that has more or fewer items than there are documents", () => {
  const documents = [{ id: "d0", version: 1, body: {} }] as unknown as StoredDocument[];
  for (const items of [[], [WRITTEN, WRITTEN]]) {
    const error = assertThrows(() => sortAnswer("alias", documents, items));
    assertEquals(hasCode(error, "corrupt"), true, `${items.length} items`);
  }
});
