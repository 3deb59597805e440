/**
 * The batch job as one value.
 *
 * @module
 */

import { readAcknowledged } from "@pipeline/protocol";
import { command, duration, integer, type JobSpec, text } from "@pipeline/runtime";
import { z } from "zod";
import { type BatchConfig, batchConfig, NEEDS } from "./config.ts";
import {
  type BatchPorts,
  checkUp,
  rollBackTo,
  runGeneration,
  runVerify,
  setUp,
  type VerifyPorts,
} from "./pipeline.ts";

/** Exit code of a run whose generation is served but fails verification: a retry does not help. */
const DIFFERS = 3;

/** Servers of the commands that do not verify. */
const WITHOUT_LOG = ["hdfs", "elasticsearch"] as const;

/** The batch job. */
export const batch: JobSpec<BatchConfig> = {
  name: "batch",
  summary: "The batch layer: from the dataset to view generations.",
  config: batchConfig,
  needs: NEEDS,
  commands: {
    run: command({
      summary: "Build the next generation, and switch to it once speed has caught up.",
      needs: WITHOUT_LOG,
      also: (_, { verify }) => verify ? ["kafka"] : [],
      flags: {
        full: z.boolean().default(false)
          .describe("Recompute everything instead of building upon the last state."),
        verify: z.boolean().default(false)
          .describe("Verify the served generation afterwards; exits with 3 if anything differs."),
      },
      run: async (
        { log, ...ports }: BatchPorts & Partial<VerifyPorts>,
        job,
        { full, verify },
      ) => {
        await runGeneration(ports, job, { full });
        if (!verify) return 0;
        return await runVerify({ log: log!, ...ports }, job, {}) === 0 ? 0 : DIFFERS;
      },
    }),
    verify: command({
      summary: "Recompute the served documents from dataset and log; print every difference.",
      flags: {
        merged: z.boolean().default(false)
          .describe("Also compare merged values: only while nothing is written."),
        ledger: text().optional().describe("File of acknowledged records to check as well."),
        sample: integer({ min: 1, max: 1_000_000 }).optional().describe(
          "Check at most this many keys of a view, and read only the data that they need.",
        ),
        seed: integer({ min: 0 }).optional()
          .describe("Seed of the sample; the generation's number by default."),
        within: duration({ min: 1 }).optional().describe(
          "Time limit; then it exits with 4 and reports what was verified until then.",
        ),
      },
      args: ({ ledger }) => ({ ledger }),
      run: (ports: VerifyPorts, job, { ledger: _, ...flags }) => {
        const { ledger: path } = job.config;
        const ledger = path === undefined ? undefined : readAcknowledged(path);
        return runVerify(ports, job, { ...flags, ledger });
      },
    }),
    "roll-back": command({
      summary: "Switch back to an earlier generation, once speed has caught up in it.",
      needs: WITHOUT_LOG,
      flags: {
        generation: integer({ min: 1 }).optional()
          .describe("Its number; the previous one by default."),
      },
      run: (ports, job, { generation }) => rollBackTo(ports, job, generation),
    }),
    check: command({
      summary: "Wait for a served generation, and check that every part of it answers.",
      needs: WITHOUT_LOG,
      run: checkUp,
    }),
    setup: command({
      summary: "Prepare the store for generations. Repeating it changes nothing.",
      needs: WITHOUT_LOG,
      run: setUp,
    }),
  },
};
