/**
 * All cases of the matrix, defined once for `deno task faults` and for `make test`.
 *
 * @module
 */

import type { FaultCase } from "./_case.ts";
import { ELASTICSEARCH_CASES } from "./_elasticsearch_cases.ts";
import { HDFS_CASES } from "./_hdfs_cases.ts";
import { JOB_CASES } from "./_job_cases.ts";
import { KAFKA_CASES } from "./_kafka_cases.ts";
import { PROXY_CASES } from "./_proxy_cases.ts";
import { SPEED_CASES } from "./_speed_cases.ts";

/** In the order in which they run: what destroys its world comes at the end. */
export const CASES: readonly FaultCase[] = [
  ...JOB_CASES,
  ...SPEED_CASES,
  ...KAFKA_CASES,
  ...HDFS_CASES,
  ...ELASTICSEARCH_CASES,
  ...PROXY_CASES,
].toSorted((a, b) => Number(a.last ?? false) - Number(b.last ?? false));
