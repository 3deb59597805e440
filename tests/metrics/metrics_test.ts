/**
 * Every job runs as in its process, on ports in memory, and its `/metrics` is compared with docs/metrics.md.
 */

import { assert, assertEquals } from "@std/assert";
import { openMemory } from "@pipeline/adapters/testing";
import { readAcknowledged } from "@pipeline/protocol";
import { type CommandConfig, type Job, untilAborted } from "@pipeline/runtime";
import type { z } from "zod";
import { batchConfig } from "../../jobs/batch/config.ts";
import { runGeneration, runVerify } from "../../jobs/batch/pipeline.ts";
import { generatorConfig } from "../../jobs/generator/config.ts";
import { runCanaries, runHistorical, runRealtime } from "../../jobs/generator/pipeline.ts";
import { ingestConfig } from "../../jobs/ingest/config.ts";
import { commitLoads, runIngest, setUp } from "../../jobs/ingest/pipeline.ts";
import { openParts } from "@pipeline/adapters/parts";
import { servingConfig } from "../../jobs/serving/config.ts";
import { runServing } from "../../jobs/serving/pipeline.ts";
import { speedConfig } from "../../jobs/speed/config.ts";
import { runSpeed } from "../../jobs/speed/pipeline.ts";
import { sumOf } from "../faults/_process.ts";
import { freePort } from "../support/demo.ts";
import { eventually } from "../support/eventually.ts";
import { StandingStill } from "../support/standing_still.ts";
import { type Running, start } from "./_job.ts";
import { documented, exposed, silent } from "./_documented.ts";

Deno.test("every job exports the metrics of docs/metrics.md, all of them and no others", async (t) => {
  const folder = await Deno.makeTempDir();
  const memory = openMemory();
  // What shows only where a partition stands still is to show, too.
  const still = new StandingStill(memory.log);
  still.standStill({ topic: "reddit.users", partition: 0, offset: 0 });
  const ports = { ...memory, log: still.log };
  const ledger = `${folder}/ledger.jsonl`;
  const one = { partitions: 1 };
  const api = freePort();
  const said = new Map<string, string>();
  const running = new Map<string, Running>();
  /** Runs a command to its end. Returns what its metrics say at last. */
  const once = async <C extends CommandConfig>(
    name: string,
    { schema, settings = {} }: { readonly schema: z.ZodType<C>; readonly settings?: object },
    work: (job: Job<C>) => Promise<unknown>,
  ) => {
    const done = Promise.withResolvers<void>();
    const job = start(folder, name, schema, { ...settings }, async (job) => {
      await work(job).then(() => done.resolve(), done.reject);
      await untilAborted(job.signal);
    });
    try {
      await done.promise;
      return await job.metrics();
    } finally {
      await job.end();
    }
  };
  const batch = { schema: batchConfig, settings: { ...one, ledger } };
  try {
    const history = { historical: { days: 0.1, scale: 0.01 } };
    said.set(
      "generator historical",
      await once(
        "historical",
        { schema: generatorConfig, settings: history },
        (job) => runHistorical(ports.dataset, job),
      ),
    );
    said.set(
      "ingest bootstrap",
      await once(
        "bootstrap",
        { schema: ingestConfig, settings: one },
        (job) => commitLoads(ports.dataset, job, undefined),
      ),
    );
    const ingest = { ...one, flush: { age: "100ms" } };
    running.set(
      "ingest",
      start(folder, "ingest", ingestConfig, ingest, async (job) => {
        await setUp(ports, job);
        await runIngest(ports, job);
      }),
    );
    const disorder = { poison: 20, duplicates: 10, duplicateBy: "100ms" };
    running.set(
      "generator",
      start(
        folder,
        "generator",
        generatorConfig,
        { realtime: { rate: 300, disorder }, ledger },
        (job) => runRealtime(ports.log, job),
      ),
    );
    const asked = freePort();
    running.set(
      "speed",
      start(
        folder,
        "speed",
        speedConfig,
        { ...one, flushInterval: "50ms", parts: { host: "127.0.0.1", port: asked } },
        (job) => runSpeed(ports, job),
      ),
    );
    running.set(
      "serving",
      start(
        folder,
        "serving",
        servingConfig,
        { ...one, host: "127.0.0.1", port: api, speed: { urls: [`http://127.0.0.1:${asked}`] } },
        async (job) => {
          const parts = openParts(job.config.speed, job);
          await runServing({ ...ports, parts }, job).finally(() => parts.close());
        },
      ),
    );
    const serving = `http://127.0.0.1:${api}`;
    running.set(
      "canary",
      start(
        folder,
        "canary",
        generatorConfig,
        {},
        (job) => runCanaries(ports.log, job, { serving, within: 2_000, every: 200 }),
      ),
    );
    const counts = async (job: string, name: string) =>
      assert(sumOf(await running.get(job)!.metrics(), name, {}) > 0, `${job} has no ${name}`);
    await eventually(() => counts("ingest", "ingest_commits_total"));
    said.set(
      "batch",
      await once("batch", batch, (job) => runGeneration(ports, job, { full: true })),
    );
    await eventually(() => counts("speed", "speed_documents_total"));
    const acknowledged = readAcknowledged(ledger);
    await once(
      "batch",
      batch,
      (job) => runVerify(ports, job, { merged: false, ledger: acknowledged }),
    );
    await (await fetch(`http://127.0.0.1:${api}/v1/status`)).json();
    for (const [name, job] of running) {
      // Some of it is looked at every few seconds.
      await eventually(async () => {
        said.set(name, await job.metrics());
        assertEquals(silent(said.get(name)!), [], `metrics of ${name} without a value`);
      });
    }

    const wanted = await documented();
    assertEquals([...wanted.keys()].sort(), [...said.keys()].sort());
    for (const [job, text] of said) {
      await t.step(job, () => {
        assertEquals(silent(text), [], "metrics without a value");
        assertEquals(exposed(text), wanted.get(job));
      });
    }
  } finally {
    for (const job of [...running.values()].reverse()) await job.end();
    await Deno.remove(folder, { recursive: true });
  }
});
