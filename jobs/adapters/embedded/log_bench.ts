/**
 * Records a second through the embedded log: `deno bench --allow-all log_bench.ts`.
 * One iteration is 100,000 records of 300 bytes.
 *
 * @module
 */

import type { LogProducer } from "@pipeline/core";
import { EmbeddedLog } from "./mod.ts";

const RECORDS = 100_000;
const BATCH = 1_000;
const value = new Uint8Array(300).map((_, i) => 32 + i % 90);
const keys = Array.from({ length: RECORDS }, (_, i) => `t3_${i.toString(36)}`);

async function withLog(
  durability: "process" | "machine",
  body: (log: EmbeddedLog, producer: LogProducer) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const log = new EmbeddedLog(folder, { durability });
  await log.ensureTopics([{ topic: "t", partitions: 3 }]);
  await body(log, await log.producer());
  await log.close();
  await Deno.remove(folder, { recursive: true });
}

async function appendAll(producer: LogProducer): Promise<void> {
  for (let i = 0; i < RECORDS; i += BATCH) {
    await producer.send(keys.slice(i, i + BATCH).map((key) => ({ topic: "t", key, value })));
  }
}

for (const durability of ["process", "machine"] as const) {
  Deno.bench(`append 100,000 records in sends of 1,000 (${durability})`, async (b) => {
    await withLog(durability, async (_, producer) => {
      b.start();
      await appendAll(producer);
      b.end();
    });
  });
}

Deno.bench("append 100,000 records in sends of 1", async (b) => {
  await withLog("process", async (_, producer) => {
    b.start();
    for (const key of keys) await producer.send([{ topic: "t", key, value }]);
    b.end();
  });
});

Deno.bench("read 100,000 records", async (b) => {
  await withLog("process", async (log, producer) => {
    await appendAll(producer);
    b.start();
    let read = 0;
    for (const { partition, end } of await log.ranges("t")) {
      for await (const batch of log.read("t", partition, 0, end)) read += batch.records.length;
    }
    b.end();
    if (read !== RECORDS) throw new Error(`Read ${read} records`);
  });
});

Deno.bench("append and consume 100,000 records at once", async (b) => {
  await withLog("process", async (log, producer) => {
    const all = Promise.withResolvers<void>();
    let seen = 0;
    const consumer = await log.subscribe({
      group: "g",
      topics: ["t"],
      start: () => Promise.resolve(0),
      batch: (batch) => {
        seen += batch.records.length;
        if (seen === RECORDS) all.resolve();
        return Promise.resolve();
      },
    });
    b.start();
    await appendAll(producer);
    await all.promise;
    b.end();
    await consumer.stop();
  });
});

Deno.bench("open a log whose last segments hold 100,000 records", async (b) => {
  await withLog("process", async (log, producer) => {
    await appendAll(producer);
    b.start();
    const again = new EmbeddedLog(log.folder, { readOnly: true });
    b.end();
    await again.close();
  });
});
