/**
 * Every job runs as in its process, on ports in memory, and its `/metrics` is compared with docs/metrics.md.
 */

import { assertEquals } from "@std/assert";
import { openMemory } from "@pipeline/adapters/memory";
import { readAcknowledged } from "@pipeline/protocol";
import { type CommandConfig, type Job, jobCommand, runJob } from "@pipeline/runtime";
import { z } from "zod";
import { batchConfig } from "../../jobs/batch/config.ts";
import { runGeneration, runVerify } from "../../jobs/batch/pipeline.ts";
import { generatorConfig } from "../../jobs/generator/config.ts";
import { runRealtime } from "../../jobs/generator/pipeline.ts";
import { ingestConfig } from "../../jobs/ingest/config.ts";
import { runIngest, setUp } from "../../jobs/ingest/pipeline.ts";
import { servingConfig } from "../../jobs/serving/config.ts";
import { runServing } from "../../jobs/serving/pipeline.ts";
import { speedConfig } from "../../jobs/speed/config.ts";
import { runSpeed } from "../../jobs/speed/pipeline.ts";
import { freePort, pause } from "../support/demo.ts";
import { documented, exposed, silent } from "./_documented.ts";

/** A job that runs, and how to look at it and end it. */
interface Running {
  metrics(): Promise<string>;
  end(): Promise<void>;
}

/** Runs a command of a job as its main.ts does, but on parts that are there already. */
function start<C extends CommandConfig>(
  folder: string,
  name: string,
  schema: z.ZodType<C>,
  settings: Readonly<Record<string, unknown>>,
  run: (job: Job<C>) => Promise<number | void>,
): Running {
  const port = freePort();
  const path = `${folder}/${name}.json`;
  const ops = { host: "127.0.0.1", port };
  Deno.writeTextFileSync(path, JSON.stringify({ embedded: { folder }, ops, ...settings }));
  let end = () => {};
  const lines: string[] = [];
  const code = runJob({
    name,
    summary: name,
    commands: {
      run: jobCommand({ summary: "Runs", config: schema, flags: z.strictObject({}), run }),
    },
  }, {
    args: ["run", `--config=${path}`],
    env: {},
    print: (line) => lines.push(line),
    printError: (line) => lines.push(line),
    signals: {
      listen: (listener) => {
        end = () => listener("SIGTERM");
        return () => {};
      },
    },
  });
  return {
    metrics: async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    end: async () => {
      end();
      assertEquals(await code, 0, lines.join("\n"));
    },
  };
}

Deno.test("every job says the metrics of docs/metrics.md, all of them and no others", async (t) => {
  const folder = await Deno.makeTempDir();
  const ports = openMemory();
  const ledger = `${folder}/ledger.jsonl`;
  const one = { partitions: 1 };
  const api = freePort();
  const said = new Map<string, string>();
  const running = new Map<string, Running>();
  /** Runs something to its end, and keeps what it says at last. */
  const once = async (work: (job: Job<z.output<typeof batchConfig>>) => Promise<unknown>) => {
    const text = Promise.withResolvers<string>();
    const told = Promise.withResolvers<void>();
    const batch = start(folder, "batch", batchConfig, { ...one, ledger }, async (job) => {
      await work(job).then(() => text.resolve(""), text.reject);
      await told.promise;
    });
    await text.promise;
    said.set("batch", said.get("batch") ?? await batch.metrics());
    told.resolve();
    await batch.end();
  };
  try {
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
    running.set(
      "speed",
      start(
        folder,
        "speed",
        speedConfig,
        { ...one, flushInterval: "50ms" },
        (job) => runSpeed(ports, job),
      ),
    );
    running.set(
      "serving",
      start(
        folder,
        "serving",
        servingConfig,
        { ...one, host: "127.0.0.1", port: api },
        (job) => runServing(ports, job),
      ),
    );
    await pause(1_500);
    await once((job) => runGeneration(ports, job, { full: true }));
    await pause(1_500);
    await once((job) => runVerify(ports, job, { merged: false, ledger: readAcknowledged(ledger) }));
    await (await fetch(`http://127.0.0.1:${api}/v1/status`)).json();
    // What serving has read is used for five seconds.
    await pause(5_500);
    for (const [name, job] of running) said.set(name, await job.metrics());

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
