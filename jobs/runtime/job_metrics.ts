/**
 * The metrics that all jobs have in common.
 *
 * @module
 */

import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import package_ from "./deno.json" with { type: "json" };

/** Adds the version and readiness of the job. */
export function describeJob(metrics: Metrics, health: Health): void {
  metrics.gauge("job_build_info", {
    help: "1; what runs.",
    labels: { version: [package_.version], deno: [Deno.version.deno] },
  }).set(1, { version: package_.version, deno: Deno.version.deno });
  metrics.gauge("job_ready", {
    help: "1 while the job is ready, else 0.",
    collect: (gauge) => gauge.set(health.report().ready ? 1 : 0),
  });
}
