/**
 * The generator as a process.
 *
 * @module
 */

import { openHdfs } from "@pipeline/adapters/hdfs";
import { openKafka } from "@pipeline/adapters/kafka";
import { runProcess } from "@pipeline/adapters/process";
import { generator } from "./job.ts";

const openers = { kafka: openKafka, hdfs: openHdfs };
Deno.exit(await runProcess(generator, openers, { Deno, console }));
