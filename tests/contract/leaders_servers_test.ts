/**
 * What commands do with the log while its leaders move: brokers are killed and started again, one
 * after the other, on servers of the test's own.
 */

import { openKafka } from "@pipeline/adapters/kafka";
import { openMemory } from "@pipeline/adapters/testing";
import { runBatch, verify } from "@pipeline/batch";
import {
  DEAD_LETTER_TOPIC,
  DEFAULT_PARTITIONS,
  DEFAULT_SETTINGS,
  encodeRecord,
  TOPICS,
} from "@pipeline/core";
import { checkTopics } from "@pipeline/ingest";
import { readEnds, readFolded, topicsAreThere } from "@pipeline/protocol";
import { patient } from "@pipeline/runtime";
import { Speed } from "@pipeline/speed";
import { startServers } from "@pipeline/tools/servers";
import { assert, assertEquals } from "@std/assert";
import { post, START } from "../layers/_world.ts";
import { pause } from "../support/demo.ts";

const RECORDS = 3_000;

/** Milliseconds for the last run of each command to end once all brokers are back. */
const LONGEST = 120_000;

const SPECS = [...TOPICS, DEAD_LETTER_TOPIC].map((topic) => ({
  topic,
  partitions: DEFAULT_PARTITIONS,
}));

const SETTINGS = {
  views: DEFAULT_SETTINGS,
  partitions: DEFAULT_PARTITIONS,
  keep: 1_000,
  retention: { minutes: 0, hours: 0, days: 0 },
  catchUpTimeout: 60_000,
  pollInterval: 50,
  lockLease: 60_000,
};

Deno.test({
  name: "set-up, check and verify succeed while leaders move and brokers restart",
  // Clients keep timers and sockets for a moment.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using servers = await startServers({ kafka: 3, datanodes: 0, elasticsearch: 0 });
    const brokers = servers.kafka.map(({ endpoint }) => endpoint);
    const { dataset, store } = openMemory();
    const log = openKafka({ brokers, requestTimeout: "5s" });
    const met: string[] = [];
    const ports = patient({ log, dataset, store }, {
      onRetry: ({ error }) => met.push(error.message),
      onSlow: (what, waited) => console.log(`${what}: ${waited} ms without an answer`),
    });
    await ports.log.ensureTopics(SPECS);
    const producer = await ports.log.producer();
    await producer.send(Array.from({ length: RECORDS }, (_, i) => ({
      topic: "reddit.posts",
      key: `p${i}`,
      value: new TextEncoder().encode(encodeRecord(post(`p${i}`, START + i))),
    })));
    const speed = Speed.start({
      ...ports,
      settings: { flushInterval: 50, maxDocuments: 1_000_000, pollInterval: 50 },
    });
    const { generation } = await runBatch({ ...ports, settings: SETTINGS });
    for (let folded = 0; folded < RECORDS; await pause(50)) {
      folded = (await readFolded(store, generation)).reduce((sum, { records }) => sum + records, 0);
    }
    await speed.stop();

    let over = false;
    const runs = { setup: 0, check: 0, verify: 0 };
    const repeat = async (name: keyof typeof runs, command: () => Promise<unknown>) => {
      for (; !over; runs[name]++) await command();
    };
    const running = Promise.all([
      repeat("setup", () => ports.log.ensureTopics(SPECS)),
      repeat("check", async () => {
        await topicsAreThere(ports.log);
        await checkTopics(ports.log, SPECS);
        await readEnds(ports.log, DEFAULT_PARTITIONS);
      }),
      repeat("verify", async () => {
        const { exact, speed_documents, first } = await verify({ ...ports, merged: true });
        assertEquals([exact, first], [true, []]);
        assert(speed_documents >= RECORDS);
      }),
    ]);
    const failed = running.then(() => {}, (error) => {
      over = true;
      throw error;
    });
    failed.catch(() => {});
    for (const [i, node] of servers.kafka.entries()) {
      if (over) break;
      // The first one is out of the cluster before its connections end.
      if (i === 0) {
        node.pause();
        await pause(12_000);
      }
      await node.kill();
      await pause(2_000);
      await node.start();
      await pause(1_000);
    }
    over = true;
    const late = AbortSignal.timeout(LONGEST);
    await Promise.race([
      failed,
      new Promise((_, reject) => late.addEventListener("abort", () => reject(late.reason))),
    ]);
    const text = `${JSON.stringify(runs)}, ${met.length} times again, such as ${met[0]}`;
    assert(Object.values(runs).every((count) => count > 0), text);
    assert(met.length > 0, "nothing was disturbed: the test shows nothing");
    console.log(text);
    await producer.close();
    await log.close();
  },
});
