/**
 * The speed job as a process.
 *
 * @module
 */

import { openElasticsearch } from "@pipeline/adapters/elasticsearch";
import { openKafka } from "@pipeline/adapters/kafka";
import { runProcess } from "@pipeline/adapters/process";
import { speed } from "./job.ts";

const openers = { kafka: openKafka, elasticsearch: openElasticsearch };
Deno.exit(await runProcess(speed, openers, { Deno, console }));
