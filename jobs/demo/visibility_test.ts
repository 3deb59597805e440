import { assert, assertEquals } from "@std/assert";
import { openMemory } from "@pipeline/adapters/testing";
import { systemClock } from "@pipeline/runtime";
import { LatencyHistogram, Visibility } from "./visibility.ts";

Deno.test("LatencyHistogram computes quantiles and the maximum", () => {
  const latencies = new LatencyHistogram();
  assertEquals([latencies.quantile(0.99), latencies.max], [0, 0]);
  for (let ms = 1; ms <= 100; ms++) latencies.add(ms);
  latencies.add(70_000);
  assertEquals([latencies.quantile(0.5), latencies.quantile(0.99)], [51, 100]);
  assertEquals([latencies.total, latencies.quantile(1), latencies.max], [101, 60_000, 70_000]);
});

Deno.test("Visibility counts each record from when it was due until an answer has folded it", async () => {
  const { log } = openMemory();
  await log.ensureTopics([{ topic: "reddit.posts", partitions: 1 }]);
  let folded: number | null = null;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ provenance: { folded: { "reddit.posts": [folded] } } }),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const visibility = new Visibility({ url, interval: 1, warmUp: 0 });
  try {
    const producer = await visibility.watched(log).producer();
    const due = Date.now() + 10;
    const record = { topic: "reddit.posts", key: "k", value: null };
    const planned = [-60_000, 0, 0].map((late) => ({ ...record, scheduled: due + late }));
    assertEquals((await producer.send(planned)).map(({ offset }) => offset), [0, 1, 2]);
    await producer.close();
    assertEquals([visibility.latencies.total, visibility.folded], [0, 0]);
    for (const [upTo, counted] of [[2, 1], [3, 2]] as const) {
      folded = upTo;
      while (visibility.folded < upTo) await systemClock.sleep(1);
      // What was due before it began to watch counts for no latency.
      assertEquals(visibility.latencies.total, counted);
    }
    assert(visibility.latencies.max < 60_000);
  } finally {
    await visibility.close();
    await server.shutdown();
  }
});
