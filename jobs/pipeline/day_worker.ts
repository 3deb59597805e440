/**
 * Entry of a thread that folds days of an embedded dataset. The thread is named by the
 * data folder.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { EmbeddedDataset } from "@pipeline/adapters/embedded";
import { type DayReply, type DayRequest, foldDay } from "@pipeline/batch";
import { PipelineError } from "@pipeline/core";

const dataset = new EmbeddedDataset(`${self.name}/dataset`);

self.onmessage = async ({ data }: MessageEvent<DayRequest>) => {
  self.postMessage(await answer(data));
};

async function answer({ task }: DayRequest): Promise<DayReply> {
  try {
    return { state: await foldDay(dataset, task) };
  } catch (error) {
    const code = error instanceof PipelineError ? error.code : undefined;
    return { error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}
