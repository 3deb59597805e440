import { assertEquals } from "@std/assert";
import { Coverage, heldIn } from "./_coverage.ts";
import { echo } from "./testing/pod.ts";

/** Answers of these partitions at these offsets. */
function parts(...at: readonly (readonly [partition: number, offset: number])[]) {
  return at.map(([partition, offset]) => echo(partition, offset, { questions: [] }));
}

Deno.test("Coverage is complete once each part is as far as any source was before", () => {
  const coverage = new Coverage([
    ["a", heldIn(parts([0, 5], [1, 3]))],
    ["b", heldIn(parts([0, 7]))],
    ["c", heldIn([])],
  ]);
  coverage.add("a", parts([0, 6], [1, 3]));
  assertEquals(coverage.isComplete, false);
  coverage.add("c", parts([0, 7], [2, 1]));
  assertEquals(coverage.isComplete, true);
});

Deno.test("Coverage tells the partitions of topics apart", () => {
  const coverage = new Coverage([["a", heldIn(parts([0, 5]))]]);
  coverage.add("b", [echo(0, 5, { questions: [], topic: "reddit.users" })]);
  assertEquals(coverage.isComplete, false);
});

Deno.test("Coverage is not complete before every unknown source has answered, or failed", () => {
  const coverage = new Coverage([["a", heldIn(parts([0, 5]))], ["b", undefined]]);
  coverage.add("a", parts([0, 5]));
  assertEquals(coverage.isComplete, false);
  coverage.add("b", []);
  assertEquals(coverage.isComplete, true);
});
