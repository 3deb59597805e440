/**
 * The speed job as a process.
 *
 * @module
 */

import { openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { openEmbedded } from "@pipeline/adapters/embedded";
import { openKafka } from "@pipeline/adapters/kafka";
import { type Job, jobCommand, openAll, runJob } from "@pipeline/runtime";
import { z } from "zod";
import { type SpeedConfig, speedConfig } from "./config.ts";
import { runSpeed } from "./pipeline.ts";

const openParts = async ({ config, ...job }: Job<SpeedConfig>) => {
  const { embedded, kafka, elasticsearch } = config;
  if (embedded !== undefined) return openEmbedded(embedded.folder, embedded);
  return await openAll({
    log: () => openKafka(kafka!, job),
    store: () => openElasticsearch(elasticsearch!, job),
  });
};

Deno.exit(
  await runJob({
    name: "speed",
    summary: "The speed layer: the log from each generation's horizon, folded as it comes.",
    commands: {
      run: jobCommand({
        summary: "Fold until told to end.",
        config: speedConfig,
        flags: z.strictObject({}),
        run: (job) => job.using(() => openParts(job), (parts) => runSpeed(parts, job)),
      }),
    },
  }, {
    args: Deno.args,
    env: Deno.env.toObject(),
    print: console.log,
    printError: console.error,
  }),
);
