/**
 * Entry of the thread that runs batch on the embedded parts.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { openEmbedded } from "@pipeline/adapters/embedded";
import { type BatchOptions, DayPool, runBatch, workerError } from "@pipeline/batch";
import type { BatchReply, BatchRequest } from "./batch_thread.ts";

self.onmessage = async ({ data }: MessageEvent<BatchRequest>) => {
  self.postMessage(await answer(data));
};

self.postMessage({ ready: true } satisfies BatchReply);

async function answer({ folder, settings, threads }: BatchRequest): Promise<BatchReply> {
  const { dataset, store } = openEmbedded(folder, { access: "join" });
  const pool = threads < 2 ? undefined : new DayPool(
    threads,
    () => new Worker(new URL("./day_worker.ts", import.meta.url), { type: "module", name: folder }),
  );
  const onProgress: BatchOptions["onProgress"] = (step, done, total) =>
    self.postMessage({ step, done, total } satisfies BatchReply);
  try {
    const report = await runBatch({
      dataset,
      store,
      settings,
      onProgress,
      ...(pool === undefined ? {} : { foldDay: (task) => pool.fold(task) }),
    });
    return { report };
  } catch (error) {
    return { error: workerError(error) };
  } finally {
    pool?.close();
    await dataset.close();
    await store.close();
  }
}
