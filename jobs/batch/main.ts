/**
 * The batch job as a process.
 *
 * @module
 */

import { openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { openEmbedded } from "@pipeline/adapters/embedded";
import { openHdfs } from "@pipeline/adapters/hdfs";
import { openKafka } from "@pipeline/adapters/kafka";
import { readAcknowledged } from "@pipeline/protocol";
import { duration, integer, type Job, jobCommand, openAll, runJob, text } from "@pipeline/runtime";
import { z } from "zod";
import { type BatchConfig, batchConfig, verifyConfig } from "./config.ts";
import { checkUp, rollBackTo, runGeneration, runVerify, setUp } from "./pipeline.ts";
import { startDayPool } from "./pool.ts";

const openParts = async ({ config, ...job }: Job<BatchConfig>) => {
  const { embedded, hdfs, elasticsearch } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({
    dataset: () => openHdfs(hdfs!, job),
    store: () => openElasticsearch(elasticsearch!, job),
  });
};

const openAllParts = async ({ config, ...job }: Job<BatchConfig>) => {
  const { embedded, kafka, hdfs, elasticsearch } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({
    log: () => openKafka(kafka!, job),
    dataset: () => openHdfs(hdfs!, job),
    store: () => openElasticsearch(elasticsearch!, job),
  });
};

async function run(job: Job<BatchConfig>, full: boolean): Promise<void> {
  const { threads, embedded, hdfs } = job.config;
  const pool = threads < 2
    ? undefined
    : startDayPool(threads, { embedded, hdfs }, { shown: job.retry });
  try {
    await job.using(() => openParts(job), (parts) => runGeneration(parts, job, { full, pool }));
  } finally {
    pool?.close();
  }
}

/** Verifies what serves now. Returns 0 where it is exact. */
function verifyServed(
  job: Job<BatchConfig>,
  options: Parameters<typeof runVerify>[2],
): Promise<number> {
  return job.using(() => openAllParts(job), (parts) => runVerify(parts, job, options));
}

/** Exit code of a run whose generation serves and is not what the records say: trying again does not help. */
const DIFFERS = 3;

Deno.exit(
  await runJob({
    name: "batch",
    summary: "The batch layer: the dataset into view generations.",
    commands: {
      run: jobCommand({
        summary: "Build the next generation, and switch to it once speed has caught up.",
        config: batchConfig,
        flags: z.strictObject({
          full: z.boolean().default(false)
            .describe("Compute everything anew instead of building upon the last state."),
          verify: z.boolean().default(false)
            .describe("Verify what serves then; ends with 3 where anything differs."),
        }),
        run: async (job, { full, verify }) => {
          await run(job, full);
          const exact = !verify || await verifyServed(job, { merged: false }) === 0;
          return exact ? 0 : DIFFERS;
        },
      }),
      verify: jobCommand({
        summary: "Recompute what is served from dataset and log; print every difference.",
        config: verifyConfig,
        flags: z.strictObject({
          merged: z.boolean().default(false)
            .describe("Also compare merged values: only while nothing is written."),
          ledger: text().optional().describe("File of acknowledged records to check as well."),
          sample: integer({ min: 1, max: 1_000_000 }).optional().describe(
            "Look at this many keys of a view at most, and read only what they need.",
          ),
          seed: integer({ min: 0 }).optional()
            .describe("Chooses another sample; the generation's number where not given."),
          within: duration({ min: 1 }).optional().describe(
            "Longest time; then it ends with 4 and says what was verified until then.",
          ),
        }),
        args: ({ ledger }) => ({ ledger }),
        run: (job, { ledger: _, ...flags }) => {
          const { ledger: path } = job.config;
          const ledger = path === undefined ? undefined : readAcknowledged(path);
          return verifyServed(job, { ...flags, ledger });
        },
      }),
      "roll-back": jobCommand({
        summary: "Make an earlier generation serve again, once speed has folded it up to now.",
        config: batchConfig,
        flags: z.strictObject({
          generation: integer({ min: 1 }).optional()
            .describe("Its number; the previous one where not given."),
        }),
        run: (job, { generation }) =>
          job.using(() => openParts(job), (parts) => rollBackTo(parts, job, generation)),
      }),
      check: jobCommand({
        summary: "Wait for a generation that serves, and check that every part of it answers.",
        config: batchConfig,
        flags: z.strictObject({}),
        run: (job) => job.using(() => openParts(job), (parts) => checkUp(parts, job)),
      }),
      setup: jobCommand({
        summary: "Make ready what generations are stored in. Changes nothing twice.",
        config: batchConfig,
        flags: z.strictObject({}),
        run: (job) => job.using(() => openParts(job), (parts) => setUp(parts, job)),
      }),
    },
  }, {
    args: Deno.args,
    env: Deno.env.toObject(),
    print: console.log,
    printError: console.error,
  }),
);
