/**
 * The batch job as a process.
 *
 * @module
 */

import { openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { openHdfs } from "@pipeline/adapters/hdfs";
import { openKafka } from "@pipeline/adapters/kafka";
import { openParts } from "@pipeline/adapters/parts";
import { runProcess } from "@pipeline/adapters/process";
import { batch } from "./job.ts";

const openers = { kafka: openKafka, hdfs: openHdfs, elasticsearch: openElasticsearch };
Deno.exit(
  await runProcess(batch, openers, {
    Deno,
    console,
    beside: ({ config: { speed }, clock, logger }) => {
      if (speed.urls.length === 0) return {};
      return { parts: openParts(speed, { clock, logger }) };
    },
  }),
);
