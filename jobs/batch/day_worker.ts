/**
 * Entry point of a thread that folds days. The thread's name is the location of the dataset, as
 * JSON: `{"embedded": {"folder": ...}}` or `{"hdfs": {...}}`.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { EmbeddedDataset } from "@pipeline/adapters/embedded";
import { patient } from "@pipeline/runtime";
import { foldDay } from "./day.ts";
import type { DatasetPlace } from "./config.ts";
import { type DayReply, type DayRequest, posted, workerError } from "./pool.ts";

const { embedded, hdfs } = JSON.parse(self.name) as DatasetPlace;
const { dataset } = patient({
  dataset: embedded !== undefined
    ? new EmbeddedDataset(`${embedded.folder}/dataset`)
    : await openHdfs(),
}, posted((trouble) => self.postMessage({ trouble } satisfies DayReply)));

self.onmessage = async ({ data }: MessageEvent<DayRequest>) => {
  self.postMessage(await answer(data));
};

self.postMessage({ ready: true } satisfies DayReply);

/** Loads the client only if it is needed. */
async function openHdfs() {
  const { openHdfs } = await import("@pipeline/adapters/hdfs");
  return await openHdfs(hdfs!);
}

async function answer({ task }: DayRequest): Promise<DayReply> {
  try {
    return { state: await foldDay(dataset, task) };
  } catch (error) {
    return { error: workerError(error) };
  }
}
