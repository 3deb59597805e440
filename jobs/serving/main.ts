/**
 * The serving job as a process.
 *
 * @module
 */

import { openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { openKafka } from "@pipeline/adapters/kafka";
import { openParts } from "@pipeline/adapters/parts";
import { runProcess } from "@pipeline/adapters/process";
import { serving } from "./job.ts";

const openers = { kafka: openKafka, elasticsearch: openElasticsearch };
Deno.exit(
  await runProcess(serving, openers, {
    Deno,
    console,
    beside: ({ config, ...job }) => ({ parts: openParts(config.speed, job) }),
  }),
);
