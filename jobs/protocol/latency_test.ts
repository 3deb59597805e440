import { assertEquals } from "@std/assert";
import { openMemory } from "@pipeline/adapters/testing";
import { readLatency, RecentLatencies, writeLatencies } from "./latency.ts";

Deno.test("readLatency() returns quantiles over all partitions, of recent latencies", async () => {
  const { store } = openMemory();
  assertEquals(await readLatency(store, 0), undefined);
  const one = new RecentLatencies();
  const two = new RecentLatencies();
  for (let i = 0; i < 97; i++) one.note("reddit.posts", 0, { at: 1_000, ms: 204 });
  for (let i = 0; i < 3; i++) two.note("reddit.posts", 1, { at: 1_000, ms: 1_999 });
  await writeLatencies(store, one.take(2_000));
  assertEquals(await readLatency(store, 2_000), { p50: 210, p99: 210 });
  await writeLatencies(store, two.take(3_000));
  assertEquals(await readLatency(store, 3_000), { p50: 210, p99: 2_000 });
  // The first one has been silent for a minute.
  assertEquals(await readLatency(store, 62_500), { p50: 2_000, p99: 2_000 });
  assertEquals(await readLatency(store, 63_000), undefined);
});

Deno.test("RecentLatencies forgets latencies older than a minute, and returns only changes", () => {
  const recent = new RecentLatencies();
  recent.note("reddit.users", 2, { at: 0, ms: 0 });
  recent.note("reddit.users", 2, { at: 50_000, ms: 7 });
  const told = { topic: "reddit.users" as const, partition: 2 };
  assertEquals(recent.take(55_000), [{ ...told, at: 55_000, counts: [[0, 1], [7, 1]] }]);
  assertEquals(recent.take(56_000), []);
  recent.note("reddit.users", 2, { at: 61_000, ms: 7 });
  assertEquals(recent.take(61_000), [{ ...told, at: 61_000, counts: [[7, 2]] }]);
});
