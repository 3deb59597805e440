/**
 * The generator as a process.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import { openHdfs } from "@pipeline/adapters/hdfs";
import { openKafka } from "@pipeline/adapters/kafka";
import { duration, integer, type Job, jobCommand, openAll, runJob, text } from "@pipeline/runtime";
import { z } from "zod";
import {
  archiveConfig,
  canaryConfig,
  type GeneratorConfig,
  historicalConfig,
  realtimeConfig,
} from "./config.ts";
import {
  runArchiveLoads,
  runCanaries,
  runCanary,
  runHistorical,
  runRealtime,
  runReplay,
} from "./pipeline.ts";

const openDataset = async ({ config, ...job }: Job<GeneratorConfig>) => {
  const { embedded, hdfs } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({ dataset: () => openHdfs(hdfs!, job) });
};

const openLog = async ({ config, ...job }: Job<GeneratorConfig>) => {
  const { embedded, kafka } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({ log: () => openKafka(kafka!, job) });
};

const openParts = async ({ config, ...job }: Job<GeneratorConfig>) => {
  const { embedded, kafka, hdfs } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({ log: () => openKafka(kafka!, job), dataset: () => openHdfs(hdfs!, job) });
};

const seed = integer().optional().describe("Seed, in place of the configuration's.");

Deno.exit(
  await runJob({
    name: "generator",
    summary: "Where records come from: generated history, live traffic, real archives.",
    commands: {
      historical: jobCommand({
        summary: "Generate history into the dataset's staging. Changes nothing twice.",
        config: historicalConfig,
        flags: z.strictObject({ seed }),
        args: ({ seed }) => ({ seed }),
        run: (job) =>
          job.using(() => openDataset(job), ({ dataset }) => runHistorical(dataset, job)),
      }),
      realtime: jobCommand({
        summary: "Produce live traffic onto the log.",
        config: realtimeConfig,
        flags: z.strictObject({
          seed,
          rate: text().optional().describe("Messages a second, in place of the configuration's."),
          duration: duration({ min: 1 }).optional()
            .describe("How long, in place of the configuration's."),
        }),
        args: ({ seed, rate, duration }) => ({ seed, realtime: { rate, duration } }),
        run: (job) => job.using(() => openLog(job), ({ log }) => runRealtime(log, job)),
      }),
      canary: jobCommand({
        summary:
          "Send one record, and wait until it is served and in the dataset; or one now and then, until told to end.",
        config: canaryConfig,
        flags: z.strictObject({
          serving: text().describe("URL of the serving layer's API."),
          within: duration({ min: 1 }).prefault("2s").describe("Longest time until it is served."),
          committedWithin: duration({ min: 1 }).prefault("2m")
            .describe("Longest time until it is in the dataset."),
          every: duration({ min: 100 }).optional().describe(
            "Time between two that are sent; each is only watched until it is served.",
          ),
          ledger: text().optional().describe(
            "File that gets what the log acknowledged of the one record, for `batch verify --ledger`.",
          ),
        }),
        args: ({ ledger }) => ({ ledger }),
        run: (job, { every, ledger: _, ...flags }) =>
          every === undefined
            ? job.using(() => openParts(job), (parts) => runCanary(parts, job, flags))
            : job.using(
              () => openLog(job),
              ({ log }) => runCanaries(log, job, { ...flags, every }),
            ),
      }),
      archive: jobCommand({
        summary: "Load Reddit archives into the dataset's staging, or replay them onto the log.",
        config: archiveConfig,
        flags: z.strictObject({
          files: z.array(text()).optional()
            .describe("Archive files, in place of the configuration's."),
        }),
        args: ({ files }) => ({ archive: { files } }),
        run: (job) =>
          job.config.archive.target === "log"
            ? job.using(() => openLog(job), ({ log }) => runReplay(log, job))
            : job.using(() => openDataset(job), ({ dataset }) => runArchiveLoads(dataset, job)),
      }),
    },
  }, {
    args: Deno.args,
    env: Deno.env.toObject(),
    print: console.log,
    printError: console.error,
  }),
);
