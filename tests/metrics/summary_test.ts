/** What the page is told where the jobs are processes that share nothing but their servers. */

import { assert, assertGreater } from "@std/assert";
import { runBatch } from "@pipeline/batch";
import { openMemory } from "@pipeline/adapters/testing";
import { encodeRecord, TOPICS } from "@pipeline/core";
import { ingestConfig } from "../../jobs/ingest/config.ts";
import { runIngest, setUp } from "../../jobs/ingest/pipeline.ts";
import { servingConfig } from "../../jobs/serving/config.ts";
import { runServing } from "../../jobs/serving/pipeline.ts";
import { speedConfig } from "../../jobs/speed/config.ts";
import { runSpeed } from "../../jobs/speed/pipeline.ts";
import type { Summary } from "../../jobs/serving/summary.ts";
import { post, SETTINGS, START } from "../layers/_world.ts";
import { freePort, pause } from "../support/demo.ts";
import { type Running, start } from "./_job.ts";

/** Summaries of the stream until one is as it must be, or the time is over. */
async function followed(url: string, done: (summary: Summary) => boolean): Promise<Summary> {
  const response = await fetch(`${url}/v1/stream`, { signal: AbortSignal.timeout(40_000) });
  let last: Summary | undefined;
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      const data = /^event: summary\ndata: (.*)$/.exec(event)?.[1];
      if (data === undefined) continue;
      last = JSON.parse(data) as Summary;
      if (done(last)) return last;
    }
  }
  throw new Error(`No summary was as it must be: ${JSON.stringify(last)}`);
}

Deno.test("the page shows the latency and ingest rate of jobs in other processes", async () => {
  const folder = await Deno.makeTempDir();
  const ports = openMemory();
  const api = freePort();
  const one = { partitions: 1 };
  const jobs: Running[] = [];
  let producing = true;
  const produce = async () => {
    const producer = await ports.log.producer();
    for (let n = 0; producing; n++) {
      const value = new TextEncoder().encode(encodeRecord(post(`p${n}`, START + n)));
      await producer.send([{ topic: "reddit.posts", key: `p${n}`, value }]);
      await pause(20);
    }
    await producer.close();
  };
  let produced: Promise<void> | undefined;
  try {
    await ports.log.ensureTopics(
      [...TOPICS, "reddit.dlq"].map((topic) => ({ topic, partitions: 1 })),
    );
    jobs.push(
      start(folder, "ingest", ingestConfig, { ...one, flush: { age: "1s" } }, async (job) => {
        await setUp(ports, job);
        await runIngest(ports, job);
      }),
      start(
        folder,
        "speed",
        speedConfig,
        { ...one, parts: { host: "127.0.0.1", port: 0 } },
        (job) => runSpeed(ports, job),
      ),
      start(
        folder,
        "serving",
        servingConfig,
        { ...one, host: "127.0.0.1", port: api },
        (job) => runServing(ports, job),
      ),
    );
    produced = produce();
    await runBatch({ ...ports, settings: SETTINGS });
    const { latency_ms: latency, rates } = await followed(
      `http://127.0.0.1:${api}`,
      ({ latency_ms, rates }) => latency_ms !== null && (rates.ingested ?? 0) > 0,
    );
    assert(latency!.p50 <= latency!.p99 && latency!.p99 < 20_000);
    // Fifty a second are produced where the machine is idle.
    assertGreater(rates.ingested!, 0);
    assert(rates.ingested! <= 60, `${rates.ingested}`);
  } finally {
    producing = false;
    await produced;
    for (const job of jobs.reverse()) await job.end();
    await Deno.remove(folder, { recursive: true });
  }
});
