/**
 * The ingest job as a process.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import { openHdfs } from "@pipeline/adapters/hdfs";
import { openKafka } from "@pipeline/adapters/kafka";
import { type Job, jobCommand, openAll, runJob, text } from "@pipeline/runtime";
import { z } from "zod";
import { bootstrapConfig, type IngestConfig, ingestConfig } from "./config.ts";
import { checkUp, commitLoads, runIngest, setUp } from "./pipeline.ts";

const openDataset = async ({ config, ...job }: Job<IngestConfig>) => {
  const { embedded, hdfs } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({ dataset: () => openHdfs(hdfs!, job) });
};

const openParts = async ({ config, ...job }: Job<IngestConfig>) => {
  const { embedded, kafka, hdfs } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({ log: () => openKafka(kafka!, job), dataset: () => openHdfs(hdfs!, job) });
};

const NONE = z.strictObject({});

Deno.exit(
  await runJob({
    name: "ingest",
    summary: "Ingest: historical loads and the log into the master dataset, each record once.",
    commands: {
      run: jobCommand({
        summary: "Ingest the log until told to end.",
        config: ingestConfig,
        flags: NONE,
        run: (job) => job.using(() => openParts(job), (parts) => runIngest(parts, job)),
      }),
      bootstrap: jobCommand({
        summary: "Commit the historical loads that wait in staging. Changes nothing twice.",
        config: bootstrapConfig,
        flags: z.strictObject({
          load: text().optional().describe("Name of the only load to commit."),
        }),
        run: (job, { load }) =>
          job.using(() => openDataset(job), ({ dataset }) => commitLoads(dataset, job, load)),
      }),
      setup: jobCommand({
        summary: "Make topics and folders, or check that they are right. Changes nothing twice.",
        config: ingestConfig,
        flags: NONE,
        run: (job) => job.using(() => openParts(job), (parts) => setUp(parts, job)),
      }),
      check: jobCommand({
        summary: "Check that topics are right and that the dataset takes a file. Makes nothing.",
        config: ingestConfig,
        flags: NONE,
        run: (job) => job.using(() => openParts(job), (parts) => checkUp(parts, job)),
      }),
    },
  }, {
    args: Deno.args,
    env: Deno.env.toObject(),
    print: console.log,
    printError: console.error,
  }),
);
