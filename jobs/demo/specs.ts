/**
 * All jobs.
 *
 * @module
 */

import { batch } from "@pipeline/batch/job";
import { generator } from "@pipeline/generator/job";
import { ingest } from "@pipeline/ingest/job";
import type { JobSpec } from "@pipeline/runtime";
import { serving } from "@pipeline/serving/job";
import { speed } from "@pipeline/speed/job";

/** The jobs, in the order in which records pass through them. */
// deno-lint-ignore no-explicit-any -- each has a configuration of its own
export const SPECS: readonly JobSpec<any>[] = [generator, ingest, batch, speed, serving];
