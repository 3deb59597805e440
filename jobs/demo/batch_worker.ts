/**
 * Entry point of the thread that runs batch's command, on ports of its own.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { openPorts } from "@pipeline/adapters/process";
import { type BatchConfig, workerError } from "@pipeline/batch";
import { batch } from "@pipeline/batch/job";
import { createLogger, startCommand, systemClock } from "@pipeline/runtime";
import type { BatchReply } from "./batch_thread.ts";
import { openers } from "./place.ts";

/** Milliseconds between two reports of progress. */
const REPORT_INTERVAL = 50;

self.onmessage = async ({ data }: MessageEvent<BatchConfig>) => post(await run(data));

post({ ready: true });

async function run(config: BatchConfig): Promise<BatchReply> {
  const fields = { job: batch.name };
  const { done, metrics } = startCommand(batch, "run", {
    config,
    flags: batch.commands.run!.flags.parse({}),
    open: (servers, job) => openPorts(servers, config, { ...job, openers }),
    logger: createLogger({ sink: (line) => post({ line }), clock: systemClock, fields }),
    // The owner of the thread ends the run by terminating the thread.
    signal: new AbortController().signal,
    print: () => {},
  });
  const report = async () => {
    const steps: Record<string, number | undefined> = {};
    for (const step of ["fold", "publish", "switch"]) {
      steps[step] = await metrics.read("batch_step_done_ratio", { step });
    }
    post({ steps });
  };
  const reporting = setInterval(report, REPORT_INTERVAL);
  try {
    const code = await done;
    await report();
    return { code };
  } catch (error) {
    return { error: workerError(error) };
  } finally {
    clearInterval(reporting);
  }
}

function post(reply: BatchReply): void {
  self.postMessage(reply);
}
