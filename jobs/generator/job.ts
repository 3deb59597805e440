/**
 * The generator as one value.
 *
 * @module
 */

import { command, duration, integer, type JobSpec, text } from "@pipeline/runtime";
import { z } from "zod";
import { checkArchiveFiles, type GeneratorConfig, generatorConfig, NEEDS } from "./config.ts";
import {
  runArchiveLoads,
  runCanaries,
  runCanary,
  runHistorical,
  runRealtime,
  runReplay,
} from "./pipeline.ts";

const seed = integer().optional().describe("Seed, in place of the configuration's.");

/** The generator. */
export const generator: JobSpec<GeneratorConfig> = {
  name: "generator",
  summary: "Where records come from: generated history, live traffic, real archives.",
  config: generatorConfig,
  needs: NEEDS,
  commands: {
    historical: command({
      summary: "Generate history into the dataset's staging. Repeating it changes nothing.",
      needs: ["hdfs"],
      flags: { seed },
      args: ({ seed }) => ({ seed }),
      run: ({ dataset }, job) => runHistorical(dataset, job),
    }),
    realtime: command({
      summary: "Produce live traffic onto the log.",
      needs: ["kafka"],
      flags: {
        seed,
        rate: text().optional().describe("Messages a second, in place of the configuration's."),
        duration: duration({ min: 1 }).optional()
          .describe("How long, in place of the configuration's."),
      },
      args: ({ seed, rate, duration }) => ({ seed, realtime: { rate, duration } }),
      run: ({ log }, job) => runRealtime(log, job),
    }),
    canary: command({
      summary:
        "Send one record, and wait until it is served and in the dataset; or send records periodically, until stopped.",
      flags: {
        serving: text().describe("URL of the serving layer's API."),
        within: duration({ min: 1 }).prefault("2s").describe("Longest time until it is served."),
        committedWithin: duration({ min: 1 }).prefault("2m")
          .describe("Longest time until it is in the dataset."),
        every: duration({ min: 100 }).optional().describe(
          "Time between two records; each is only watched until it is served.",
        ),
        ledger: text().optional().describe(
          "File for the acknowledgement of the one record, for `batch verify --ledger`.",
        ),
      },
      args: ({ ledger }) => ({ ledger }),
      run: (ports, job, { every, ledger: _, ...flags }) =>
        every === undefined
          ? runCanary(ports, job, flags)
          : runCanaries(ports.log, job, { ...flags, every }),
    }),
    archive: command({
      summary: "Load Reddit archives into the dataset's staging, or replay them onto the log.",
      needs: [],
      also: ({ archive }) => archive.target === "log" ? ["kafka"] : ["hdfs"],
      flags: {
        files: z.array(text()).optional()
          .describe("Archive files, in place of the configuration's."),
      },
      args: ({ files }) => ({ archive: { files } }),
      check: checkArchiveFiles,
      run: ({ log, dataset }, job) =>
        job.config.archive.target === "log" ? runReplay(log!, job) : runArchiveLoads(dataset!, job),
    }),
  },
};
