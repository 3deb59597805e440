/**
 * Entry of a thread that folds days of an embedded dataset. The thread is named by the
 * data folder.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { EmbeddedDataset } from "@pipeline/adapters/embedded";
import { type DayReply, type DayRequest, foldDay, workerError } from "@pipeline/batch";

const dataset = new EmbeddedDataset(`${self.name}/dataset`);

self.onmessage = async ({ data }: MessageEvent<DayRequest>) => {
  self.postMessage(await answer(data));
};

self.postMessage({ ready: true } satisfies DayReply);

async function answer({ task }: DayRequest): Promise<DayReply> {
  try {
    return { state: await foldDay(dataset, task) };
  } catch (error) {
    return { error: workerError(error) };
  }
}
