import {
  CHART,
  difference,
  GOLDEN,
  goldenPath,
  type Manifest,
  objectTexts,
  PRESETS,
} from "@pipeline/tools/charts";
import { assertEquals, assertThrows } from "@std/assert";

async function differenceOf(before: readonly Manifest[], after: readonly Manifest[]) {
  return difference(await objectTexts(before), await objectTexts(after)).split("\n").slice(0, -1);
}

const pod: Manifest = {
  kind: "Pod",
  metadata: { name: "a", labels: { app: "a".repeat(200), part: "x" } },
  spec: {
    containers: [
      { name: "init", image: "i".repeat(140) },
      { name: "main", image: "m".repeat(140), args: ["--a", "--b"], env: [{ name: "A" }] },
    ],
  },
};

const job: Manifest = { kind: "Job", metadata: { name: "b-0123456789" } };

function config(data: Record<string, string>): Manifest {
  return { kind: "ConfigMap", metadata: { name: "c" }, data };
}

Deno.test("golden files are those of the presets, and what upgrades may not change", async () => {
  const there = await Array.fromAsync(Deno.readDir(GOLDEN), ({ name }) => `${GOLDEN}/${name}`);
  const kept = [...Object.keys(PRESETS).map(goldenPath), `${GOLDEN}/immutable.json`];
  assertEquals(there.sort(), kept.sort());
});

Deno.test("difference() is empty for objects that are the same, in whatever order", async () => {
  assertEquals(await differenceOf([pod, job], [job, pod]), []);
});

Deno.test("difference() names what a change is in, by the names of items or their numbers", async () => {
  const changed = structuredClone(pod);
  changed.spec.containers[1].image = "n".repeat(140);
  changed.spec.containers[1].args[1] = "c".repeat(140);
  assertEquals(await differenceOf([pod], [changed]), [
    "@@ Pod/a spec > containers[name: main] @@",
    `-      image: ${"m".repeat(140)}`,
    "-      args: [--a, --b]",
    `+      image: ${"n".repeat(140)}`,
    "+      args:",
    "+        - --a",
    `+        - ${"c".repeat(140)}`,
  ]);
  changed.spec.containers[1].args[1] = "d".repeat(140);
  const further = structuredClone(changed);
  further.spec.containers[1].args[1] = "e".repeat(140);
  assertEquals(await differenceOf([changed], [further]), [
    "@@ Pod/a spec > containers[name: main] > args[1] @@",
    `-        - ${"d".repeat(140)}`,
    `+        - ${"e".repeat(140)}`,
  ]);
});

Deno.test("difference() identifies which of several like items changed", async () => {
  const rules = (...values: number[]) => {
    const lines = values.map((value) => `  - expr: vector(${value})\n    record: x\n`);
    return config({ "a.yaml": `groups:\n- name: g\n  rules:\n${lines.join("")}` });
  };
  assertEquals(await differenceOf([rules(3, 3, 3)], [rules(3, 1, 3)]), [
    "@@ ConfigMap/c data > a.yaml > groups[name: g] > rules[1] @@",
    "-      - expr: vector(3)",
    "+      - expr: vector(1)",
  ]);
});

Deno.test("difference() names what is gone, and has what is new as a whole", async () => {
  assertEquals(await differenceOf([pod, job], [pod]), ["-Job/b"]);
  assertEquals(await differenceOf([pod], [pod, job]), [
    "@@ Job/b @@",
    "+kind: Job",
    "+metadata: {name: b-0123456789}",
  ]);
});

Deno.test("difference() takes a Job of another hash for the same one", async () => {
  assertEquals(await differenceOf([job], [{ ...job, metadata: { name: "b-9876543210" } }]), [
    "@@ Job/b @@",
    "-metadata: {name: b-0123456789}",
    "+metadata: {name: b-9876543210}",
  ]);
});

Deno.test("difference() fails where two objects have one name", () => {
  const text = { key: "Pod/a", lines: [] };
  assertThrows(() => difference([text, text], []), Error, "There are two of one kind and name");
});

Deno.test("objectTexts() names a chart's file, and shows a text that is none", async () => {
  const path = "charts/kafka/files/start.sh";
  const script = await Deno.readTextFile(`${CHART}/${path}`);
  const [text] = await objectTexts([config({ "start.sh": script, other: `${script}#` })]);
  assertEquals(text!.lines.slice(0, 5), [
    "kind: ConfigMap",
    "metadata: {name: c}",
    "data:",
    `  start.sh: the file ${path}`,
    "  other: |-",
  ]);
});

Deno.test("objectTexts() has the hash of rules, which changes with them", async () => {
  const lines = async (rules: string) =>
    (await objectTexts([config({ "rules.yaml": rules })]))[0]!.lines.at(-1);
  assertEquals(
    await lines("a"),
    "data: {rules.yaml: rules with the SHA-256 ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb}",
  );
  assertEquals(await lines("a") === await lines("b"), false);
});
