import { faulty, openMemory } from "@pipeline/adapters/testing";
import { TestClock } from "@pipeline/runtime";
import { assertEquals, assertRejects } from "@std/assert";
import { post, START, valueOf } from "../testing/dataset.ts";
import { TimeUpError, Watch } from "./watched.ts";

const TOPIC = "reddit.posts";

async function opened() {
  const ports = openMemory();
  await ports.log.ensureTopics([{ topic: TOPIC, partitions: 1 }]);
  const producer = await ports.log.producer();
  const values = ["p0", "p1", "p2"].map((id, i) => valueOf(post(id, START + i)));
  await producer.send(values.map((value) => ({ topic: TOPIC, key: "k", value })));
  await ports.dataset.write("/data/posts/a.json", new TextEncoder().encode("{}\n{}\n"));
  await ports.dataset.write("/data/_commits/a", new TextEncoder().encode("{}\n"));
  return ports;
}

Deno.test("Watch counts the records that were read, and not the protocol's own files", async () => {
  const watch = new Watch(await opened(), { clock: new TestClock() });
  const { log, dataset } = watch.ports;
  await Array.fromAsync(log.read(TOPIC, 0, 1, 3));
  await Array.fromAsync(dataset.read("/data/posts/a.json"));
  await Array.fromAsync(dataset.read("/data/_commits/a"));
  assertEquals(watch.read, { log_records: 2, dataset_records: 2 });
  await Array.fromAsync(log.read(TOPIC, 0, 1, 3));
  assertEquals(watch.read.log_records, 4, "again counts again");
  watch.close();
});

Deno.test("Watch ends calls and readings that hang when time is up, and all that come after", async () => {
  const never = Promise.withResolvers<void>();
  const hanging = ["store.current", "dataset.read /data/posts/a.json"];
  const ports = faulty(await opened(), {
    step: (name, phase) =>
      phase === "before" && hanging.includes(name) ? never.promise : Promise.resolve(),
  });
  const clock = new TestClock();
  const watch = new Watch(ports, { within: 5_000, clock });
  const { store, dataset, log } = watch.ports;
  const waiting = [
    assertRejects(() => store.current(), TimeUpError, "Time was up after 5000 ms"),
    assertRejects(() => Array.fromAsync(dataset.read("/data/posts/a.json")), TimeUpError),
  ];
  await clock.advance(4_999);
  assertEquals(await store.generations(), []);
  await clock.advance(1);
  await Promise.all(waiting);
  await assertRejects(() => store.generations(), TimeUpError);
  await assertRejects(() => Array.fromAsync(log.read(TOPIC, 0, 0, 1)), TimeUpError);
  never.resolve();
});

Deno.test("Watch.close() clears the timer: nothing is ended any more", async () => {
  const clock = new TestClock();
  const watch = new Watch(await opened(), { within: 5_000, clock });
  watch.close();
  assertEquals(clock.sleeping, 0);
  await clock.advance(10_000);
  assertEquals(await watch.ports.store.current(), undefined);
});
