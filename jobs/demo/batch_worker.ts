/**
 * Entry point of the thread that runs batch, on ports of its own.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { type BatchOptions, posted, runBatch, startDayPool, workerError } from "@pipeline/batch";
import { patient } from "@pipeline/runtime";
import type { BatchReply, BatchRequest } from "./batch_thread.ts";
import { openParts } from "./parts.ts";

self.onmessage = async ({ data }: MessageEvent<BatchRequest>) => {
  self.postMessage(await answer(data));
};

self.postMessage({ ready: true } satisfies BatchReply);

async function answer({ place, settings, threads }: BatchRequest): Promise<BatchReply> {
  const { folder, servers } = place;
  const parts = await openParts(place, { access: "join" });
  const shown = posted((trouble) => self.postMessage({ trouble } satisfies BatchReply));
  const { dataset, store } = patient(parts, shown);
  const pool = threads < 2 ? undefined : startDayPool(
    threads,
    servers === undefined ? { embedded: { folder, access: "join" } } : { hdfs: servers.hdfs },
    { shown },
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
    await parts.close();
  }
}
