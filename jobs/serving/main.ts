/**
 * The serving job as a process.
 *
 * @module
 */

import { openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { openEmbedded } from "@pipeline/adapters/embedded";
import { openKafka } from "@pipeline/adapters/kafka";
import { type Job, jobCommand, openAll, runJob } from "@pipeline/runtime";
import { z } from "zod";
import { type ServingConfig, servingConfig } from "./config.ts";
import { runServing } from "./pipeline.ts";

const openParts = async ({ config, ...job }: Job<ServingConfig>) => {
  const { embedded, kafka, elasticsearch } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({
    log: () => openKafka(kafka!, job),
    store: () => openElasticsearch(elasticsearch!, job),
  });
};

Deno.exit(
  await runJob({
    name: "serving",
    summary: "The serving layer: merged answers over HTTP, and a page that shows them.",
    commands: {
      run: jobCommand({
        summary: "Answer requests until told to end.",
        config: servingConfig,
        flags: z.strictObject({}),
        run: (job) => job.usingOnce(() => openParts(job), (parts) => runServing(parts, job)),
      }),
    },
  }, {
    args: Deno.args,
    env: Deno.env.toObject(),
    print: console.log,
    printError: console.error,
  }),
);
