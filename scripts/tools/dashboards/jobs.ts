/**
 * *Jobs*: the processes of the pipeline's own jobs.
 *
 * @module
 */

import * as units from "@grafana/grafana-foundation-sdk/units";
import type { DashboardSpec } from "./dashboard.ts";
import { below, figure, from, lines, rows } from "./panels.ts";
import { rate, series, sum, sumRate } from "./promql.ts";
import { prom } from "./targets.ts";

const JOBS = 'job=~"generator|canary|ingest|batch|speed|speed-standby|serving"';
const EACH_POD = "{{pod}}";

/** Restarts of pods within a time. */
function restarts(by: string, within: string): string {
  return `sum by (${by}) (changes(${series("process_start_time_seconds", JOBS)}[${within}]))`;
}

/** *Jobs*. */
export const JOBS_DASHBOARD: DashboardSpec = {
  uid: "jobs",
  title: "Jobs",
  description:
    "CPU, memory, restarts and readiness of generator, canary, ingest, batch, speed and serving.",
  sections: [
    {
      title: "Health",
      lines: [{
        height: 6,
        widths: [7, 7, 10],
        panels: [
          figure({
            title: "Ready",
            description: "Share of the pods of each job that are ready.",
            unit: units.PercentUnit,
            steps: below(1, 0.5),
            targets: [prom(`avg by (job) (${series("job_ready")})`, "{{job}}")],
          }),
          figure({
            title: "Restarts",
            description: "Restarts of a job's processes in the selected time range.",
            unit: units.Short,
            steps: from(1),
            targets: [prom(restarts("job", "$__range"), "{{job}}")],
          }),
          rows({
            title: "Versions",
            description:
              "Running versions of the jobs and of Deno. Several versions of a job: an upgrade is in progress.",
            unit: units.NoUnit,
            targets: [prom(`count by (job, version, deno) (${series("job_build_info")})`)],
            transformations: [
              {
                id: "organize",
                options: {
                  excludeByName: { Time: true },
                  indexByName: { job: 0, version: 1, deno: 2, Value: 3 },
                  renameByName: { Value: "pods" },
                },
              },
            ],
          }),
        ],
      }],
    },
    {
      title: "Processes",
      lines: [
        {
          height: 9,
          panels: [
            lines({
              title: "CPU",
              description: "Cores that each pod uses.",
              unit: units.Short,
              min: 0,
              targets: [prom(rate("process_cpu_seconds_total", JOBS), EACH_POD)],
            }),
            lines({
              title: "Memory",
              description: "Memory that each pod's process holds.",
              unit: units.BytesIEC,
              min: 0,
              targets: [prom(series("process_resident_memory_bytes", JOBS), EACH_POD)],
            }),
            lines({
              title: "JavaScript heap",
              description: "Live JavaScript objects in each pod's memory.",
              unit: units.BytesIEC,
              min: 0,
              targets: [prom(series("nodejs_heap_size_used_bytes", JOBS), EACH_POD)],
            }),
          ],
        },
        {
          height: 9,
          panels: [
            lines({
              title: "Event loop lag",
              description:
                "Delay of timers, p99: a job does nothing else during a long computation.",
              unit: units.Seconds,
              min: 0,
              steps: from(1),
              targets: [prom(series("nodejs_eventloop_lag_p99_seconds", JOBS), EACH_POD)],
            }),
            lines({
              title: "Open files",
              description: "Files and connections that each pod has open.",
              unit: units.Short,
              min: 0,
              targets: [prom(series("process_open_fds", JOBS), EACH_POD)],
            }),
            lines({
              title: "Starts",
              description: "Restarts of each pod's process within five minutes.",
              unit: units.Short,
              min: 0,
              steps: from(1),
              targets: [prom(restarts("pod", "5m"), EACH_POD)],
            }),
          ],
        },
      ],
    },
    {
      title: "Dependencies",
      lines: [{
        height: 9,
        panels: [
          lines({
            title: "Retried calls",
            description: "Retries a second, by job and reason.",
            unit: units.OpsPerSecond,
            min: 0,
            targets: [prom(sumRate("job_retries_total", "job, code"), "{{job}} {{code}}")],
          }),
          lines({
            title: "Pending retries",
            description:
              "Failed calls that wait for their next attempt, by job: above 0 for long, a server is down.",
            unit: units.Short,
            min: 0,
            steps: from(1),
            targets: [prom(sum("job_retrying", "job"), "{{job}}")],
          }),
          lines({
            title: "Scraped",
            description: "1 if Prometheus could read a pod's metrics, else 0.",
            unit: units.Short,
            min: 0,
            max: 1,
            targets: [prom(series("up", JOBS), EACH_POD)],
          }),
        ],
      }],
    },
  ],
};
