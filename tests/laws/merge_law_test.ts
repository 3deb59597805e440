import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { answersOf, type ReadRules, takeBackSurplus, textOf } from "./_answers.ts";
import { anyScenario, fold, type LayerRules, runLayers, type Scenario } from "./_layers.ts";
import { assertBroken, assertHolds } from "./_property.ts";

interface Rules extends LayerRules, ReadRules {
  /** Takes what several parts have counted for what one fold counts. */
  readonly surplus?: "ignored";
}

/** Compares the merged answers with those of one fold of everything; returns the surplus. */
function checkMergeLaw(scenario: Scenario, rules: Rules = {}): number {
  const { all, parts, documents } = runLayers(scenario, rules);
  const merged = answersOf(documents, rules);
  const surplus = rules.surplus === "ignored" ? 0 : takeBackSurplus(merged, parts, scenario);
  assertEquals(textOf(merged), textOf(answersOf(fold(all, scenario))));
  return surplus;
}

function mergeLaw(rules: Rules = {}): fc.IProperty<[Scenario]> {
  return fc.property(anyScenario, (scenario) => void checkMergeLaw(scenario, rules));
}

Deno.test("merge(batch(< H), speed(>= H)) equals batch(all) for every view and key, but for announcements that several parts have seen", () => {
  assertHolds(mergeLaw(), 500);
});

Deno.test("the merge law is tested with and without announcements that several parts have seen", () => {
  const scenarios = fc.sample(anyScenario, { numRuns: 200, seed: 1 });
  const kinds = { none: 0, surplus: 0, bothLayers: 0 };
  for (const scenario of scenarios) {
    kinds[checkMergeLaw(scenario) === 0 ? "none" : "surplus"]++;
    const { parts } = runLayers(scenario);
    if (parts[0]!.length > 0 && parts.slice(1).some((part) => part.length > 0)) kinds.bothLayers++;
  }
  assert(Math.min(...Object.values(kinds)) > 30, JSON.stringify(kinds));
});

Deno.test("the merge law breaks when the line is drawn by event time", () => {
  assertBroken(mergeLaw({ cut: "time" }));
});

Deno.test("the merge law breaks when speed adds increments to documents", () => {
  assertBroken(mergeLaw({ writes: "increments" }));
});

Deno.test("the merge law breaks when the store keeps what came last instead of the version", () => {
  assertBroken(mergeLaw({ versions: "arrival" }));
});

Deno.test("the merge law breaks when speed forgets when records were retrieved", () => {
  assertBroken(mergeLaw({ retrieval: "forgotten" }));
});

Deno.test("the merge law breaks when distinct users are added up", () => {
  assertBroken(mergeLaw({ distinct: "sum" }));
});

Deno.test("the merge law breaks when a layer compares names to the letter", () => {
  assertBroken(mergeLaw({ names: "letter" }));
});

Deno.test("the merge law breaks when the first part decides how a name is spelled", () => {
  assertBroken(mergeLaw({ spelling: "first" }));
});

Deno.test("the merge law has no other exception than announcements that several parts have seen", () => {
  assertBroken(mergeLaw({ surplus: "ignored" }));
});
