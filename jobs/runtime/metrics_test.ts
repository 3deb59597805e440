import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import perfHooks from "node:perf_hooks";
import { Metrics } from "./metrics.ts";

Deno.test("Metrics.counter() counts by label and returns its value", async () => {
  const metrics = new Metrics();
  const records = metrics.counter("records_total", {
    help: "Records.",
    labels: { topic: ["posts", "comments"] },
  });
  records.add(2, { topic: "posts" });
  records.add(3, { topic: "posts" });
  assertEquals(records.value({ topic: "posts" }), 5);
  assertEquals(records.value({ topic: "comments" }), 0);
  assertStringIncludes(await metrics.render(), 'records_total{topic="posts"} 5');
});

Deno.test("Metrics.counter() without labels is there from the start", async () => {
  const metrics = new Metrics();
  const errors = metrics.counter("errors_total", { help: "Errors." });
  assertStringIncludes(await metrics.render(), "errors_total 0");
  errors.add(1);
  assertEquals(errors.value(), 1);
});

Deno.test("label values beyond the bound count as other", async () => {
  const metrics = new Metrics();
  const counter = metrics.counter("bounded_total", { help: "Bounded.", labels: { who: 2 } });
  for (let i = 0; i < 1000; i++) counter.add(1, { who: `u${i}` });
  const text = await metrics.render();
  assertStringIncludes(text, 'bounded_total{who="u1"} 1');
  assertStringIncludes(text, 'bounded_total{who="other"} 998');
  assertFalse(text.includes("u2"));
});

Deno.test("label values that are not allowed count as other", async () => {
  const metrics = new Metrics();
  const gauge = metrics.gauge("g", { help: "G.", labels: { kind: ["a"] } });
  gauge.set(1, { kind: "a" });
  gauge.set(2, { kind: "b" as "a" });
  assertStringIncludes(await metrics.render(), 'g{kind="other"} 2');
});

Deno.test("Metrics.gauge() is read when the metrics are asked for", async () => {
  const metrics = new Metrics();
  let level = 1;
  metrics.gauge("level", { help: "Level.", collect: (gauge) => gauge.set(level++) });
  assertStringIncludes(await metrics.render(), "level 1");
  assertStringIncludes(await metrics.render(), "level 2");
});

Deno.test("Metrics.histogram() counts in buckets", async () => {
  const metrics = new Metrics();
  const latency = metrics.histogram("latency_seconds", { help: "Latency.", buckets: [0.1, 1] });
  latency.observe(0.05);
  latency.observe(0.5);
  const text = await metrics.render();
  assertStringIncludes(text, 'latency_seconds_bucket{le="0.1"} 1');
  assertStringIncludes(text, 'latency_seconds_bucket{le="+Inf"} 2');
});

Deno.test("Metrics.read() sums the current values that match the labels", async () => {
  using metrics = new Metrics();
  const counter = metrics.counter("records_total", {
    help: "Records",
    labels: { topic: ["a", "b"], kind: 2 },
  });
  let size = 1;
  metrics.gauge("size", { help: "Size", collect: (gauge) => gauge.set(size) });
  counter.add(2, { topic: "a", kind: "x" });
  counter.add(3, { topic: "a", kind: "y" });
  counter.add(4, { topic: "b", kind: "x" });
  assertEquals(await metrics.read("records_total"), 9);
  assertEquals(await metrics.read("records_total", { topic: "a" }), 5);
  assertEquals(await metrics.read("records_total", { topic: "b", kind: "y" }), undefined);
  assertEquals(await metrics.read("size"), 1);
  size = 2;
  assertEquals(await metrics.read("size"), 2);
  assertEquals(await metrics.read("none"), undefined);
});

Deno.test("Metrics.collectProcess() reports CPU and memory of this process", async () => {
  using metrics = new Metrics();
  metrics.collectProcess();
  const text = await metrics.render();
  assertStringIncludes(text, "process_cpu_seconds_total");
  assertStringIncludes(text, "process_resident_memory_bytes");
  assertEquals(new Metrics().contentType.startsWith("text/plain"), true);
});

Deno.test("Metrics stops measuring the event loop when it is disposed of", () => {
  const { monitorEventLoopDelay } = perfHooks;
  const states: string[] = [];
  perfHooks.monitorEventLoopDelay = () => {
    const monitor = { enable: () => states.push("on"), disable: () => states.push("off") };
    return monitor as unknown as perfHooks.IntervalHistogram;
  };
  try {
    const metrics = new Metrics();
    metrics.collectProcess();
    assertEquals(states, ["on"]);
    metrics[Symbol.dispose]();
    assertEquals(states, ["on", "off"]);
  } finally {
    perfHooks.monitorEventLoopDelay = monitorEventLoopDelay;
  }
});

Deno.test("Metrics.counter() begins at 0 for every combination of labels that is known", async () => {
  const metrics = new Metrics();
  metrics.counter("c_total", { help: "C.", labels: { a: ["x", "y"], b: ["z"] } });
  const text = await metrics.render();
  assertStringIncludes(text, 'c_total{a="x",b="z"} 0');
  assertStringIncludes(text, 'c_total{a="y",b="z"} 0');
});

Deno.test("Metrics.total() reports a count kept elsewhere, read on every scrape", async () => {
  const metrics = new Metrics();
  let counted = 3;
  metrics.total("seen_total", { help: "Seen.", collect: (set) => set(counted++) });
  assertStringIncludes(await metrics.render(), "seen_total 3");
  assertStringIncludes(await metrics.render(), "seen_total 4");
});

Deno.test("a cleared gauge reports nothing, and admits other labels", async () => {
  const metrics = new Metrics();
  const plain = metrics.gauge("plain", { help: "Plain." });
  const named = metrics.gauge("named", { help: "Named.", labels: { who: 1 } });
  plain.set(1);
  named.set(1, { who: "ann" });
  plain.clear();
  named.clear();
  assertFalse(/^(plain|named)/m.test(await metrics.render()));
  named.set(2, { who: "bob" });
  assertStringIncludes(await metrics.render(), 'named{who="bob"} 2');
});
