/**
 * *Pipeline*: the position and speed of each layer, and whether the answers are correct.
 *
 * @module
 */

import * as units from "@grafana/grafana-foundation-sdk/units";
import type { DashboardSpec } from "./dashboard.ts";
import { above, below, figure, from, lines, rows } from "./panels.ts";
import { age, max, quantile, series, sum, sumRate } from "./promql.ts";
import { prom } from "./targets.ts";

const PARTITION = "topic, partition";
const EACH_PARTITION = "{{topic}}-{{partition}}";

/** The pods of speed that write, without those of a standby, which fold the same records again. */
const SPEED = 'job="speed"';

/**
 * Share of the flushes whose oldest record was visible within a second, as in the alert's rules.
 */
const WITHIN_A_SECOND = `1 - ${max("pipeline:visible_late:ratio_rate5m")}`;

/** *Pipeline*. */
export const PIPELINE: DashboardSpec = {
  uid: "pipeline",
  title: "Pipeline",
  description: "Throughput, latency, lag, the horizon, generations and drift.",
  sections: [
    {
      title: "Now",
      lines: [{
        height: 4,
        panels: [
          figure({
            title: "Produced",
            description: "Records a second that the log acknowledged to the generator.",
            unit: units.RecordsPerSecond,
            noValue: "no generator",
            targets: [prom(sumRate("generator_records_total", "", 'state="acknowledged"'))],
          }),
          figure({
            title: "Visible after, p99",
            description:
              "99 of 100 records of the last five minutes could be found within this time of being taken by the log.",
            unit: units.Seconds,
            steps: above(1, 5),
            targets: [prom(max("pipeline:visible_latency_seconds:p99_rate5m"))],
          }),
          figure({
            title: "Visible within a second",
            description:
              "Share of the batches that speed reads whose oldest record was in answers within a second.",
            unit: units.PercentUnit,
            min: 0,
            max: 1,
            steps: below(0.99, 0.9),
            targets: [prom(WITHIN_A_SECOND)],
          }),
          figure({
            title: "Serving generation",
            description: "The batch generation that answers are computed from.",
            unit: units.NoUnit,
            targets: [prom(max("lambda_generation"))],
          }),
          figure({
            title: "Age of the horizon",
            description:
              "Time since batch read the commits of the serving generation: speed's memory grows with it.",
            unit: units.Seconds,
            steps: above(3_600, 21_600),
            targets: [prom(age("lambda_horizon_timestamp_seconds"))],
          }),
          figure({
            title: "Drift",
            description:
              "Differences that the last verification found between the served views and a recomputation: must be 0.",
            unit: units.Short,
            steps: from(1),
            noValue: "not verified yet",
            targets: [prom(max("batch_verify_differences"))],
          }),
        ],
      }],
    },
    {
      title: "Throughput and latency",
      lines: [{
        height: 9,
        panels: [
          lines({
            title: "Records a second",
            description:
              "Produced by the generator, committed to the dataset by ingest, folded by speed. While two generations are folded, each record counts twice for speed.",
            unit: units.RecordsPerSecond,
            min: 0,
            targets: [
              prom(sumRate("generator_records_total", "", 'state="acknowledged"'), "produced"),
              prom(sumRate("ingest_records_total"), "committed"),
              prom(sumRate("speed_records_total", "", SPEED), "folded"),
            ],
          }),
          lines({
            title: "Latency until visible",
            description:
              "Time from a record's append to the log until the API's answers include it, for the oldest record of each batch that speed reads; and until the API shows a canary. Each over five minutes.",
            unit: units.Seconds,
            min: 0,
            steps: from(1),
            targets: [
              prom(max("pipeline:visible_latency_seconds:p50_rate5m"), "p50"),
              prom(max("pipeline:visible_latency_seconds:p99_rate5m"), "p99"),
              prom(max("pipeline:canary_visible_seconds:p50_rate5m"), "canaries, p50"),
            ],
          }),
          lines({
            title: "Share visible within a second",
            description: "Share of flushes whose oldest record could be found within a second.",
            unit: units.PercentUnit,
            min: 0,
            max: 1,
            targets: [prom(WITHIN_A_SECOND, "within a second")],
          }),
        ],
      }],
    },
    {
      title: "Lag",
      lines: [{
        height: 9,
        panels: [
          lines({
            title: "Lag of speed",
            description: "Records of the log that the served generation does not hold yet.",
            unit: units.Short,
            min: 0,
            targets: [prom(max("log_lag_records", PARTITION, SPEED), EACH_PARTITION)],
          }),
          lines({
            title: "Lag of ingest",
            description:
              "Records of the log that are not committed to the dataset yet: the lag rises between flushes and falls with each.",
            unit: units.Short,
            min: 0,
            targets: [prom(max("log_lag_records", PARTITION, 'job="ingest"'), EACH_PARTITION)],
          }),
          lines({
            title: "Age of the last commit",
            description: "Time since each partition's last commit to the dataset.",
            unit: units.Seconds,
            min: 0,
            steps: from(300),
            targets: [
              prom(age("ingest_commit_timestamp_seconds", PARTITION), EACH_PARTITION),
            ],
          }),
        ],
      }],
    },
    {
      title: "Horizon",
      lines: [{
        height: 10,
        widths: [14, 10],
        panels: [
          rows({
            title: "Position of the horizon",
            description:
              "Batch has folded everything before the horizon, speed everything from the horizon to its folded offset; the rest up to the end of the log is not visible yet.",
            unit: units.NoUnit,
            targets: [
              prom(max("lambda_horizon_offset", PARTITION)),
              prom(max("lambda_folded_offset", PARTITION)),
              prom(max("lambda_end_offset", PARTITION)),
            ],
            transformations: [
              { id: "merge", options: {} },
              {
                id: "organize",
                options: {
                  excludeByName: { Time: true },
                  indexByName: {
                    topic: 0,
                    partition: 1,
                    "Value #A": 2,
                    "Value #B": 3,
                    "Value #C": 4,
                  },
                  renameByName: {
                    "Value #A": "horizon",
                    "Value #B": "folded",
                    "Value #C": "end of the log",
                  },
                },
              },
              { id: "sortBy", options: { sort: [{ field: "topic", desc: false }] } },
            ],
          }),
          lines({
            title: "Records since the horizon",
            description:
              "Offsets between the horizon and the end of the log, which speed answers for. Falls with every switch.",
            unit: units.Short,
            min: 0,
            targets: [
              prom(
                `${max("lambda_end_offset", PARTITION)} - ${
                  max("lambda_horizon_offset", PARTITION)
                }`,
                EACH_PARTITION,
              ),
            ],
          }),
        ],
      }],
    },
    {
      title: "Batch",
      lines: [
        {
          height: 8,
          panels: [
            lines({
              title: "Generation",
              description: "The generation that serves: a step is a switch.",
              unit: units.NoUnit,
              decimals: 0,
              targets: [prom(max("lambda_generation"), "generation")],
            }),
            lines({
              title: "Age of horizon and generation",
              description:
                "Time since batch read the generation's commits, and since the generation began to serve.",
              unit: units.Seconds,
              min: 0,
              targets: [
                prom(age("lambda_horizon_timestamp_seconds"), "horizon"),
                prom(age("lambda_generation_timestamp_seconds"), "generation"),
              ],
            }),
            lines({
              title: "Records by layer",
              description:
                "Records that the serving generation was built from, and records that speed folded since its horizon.",
              unit: units.Short,
              min: 0,
              targets: [
                prom(max("lambda_batch_records"), "batch"),
                prom(max("lambda_speed_records"), "speed"),
              ],
            }),
          ],
        },
        {
          height: 8,
          panels: [
            lines({
              title: "Time since the last batch run",
              description:
                "Time since the end of the last run that built a generation, and of the last one that did not.",
              unit: units.Seconds,
              min: 0,
              targets: [prom(age("batch_run_timestamp_seconds", "result"), "{{result}}")],
            }),
            lines({
              title: "Duration of the last run",
              description: "Duration of the last generation's steps: fold, publish, switch.",
              unit: units.Seconds,
              min: 0,
              targets: [prom(max("batch_run_duration_seconds", "step"), "{{step}}")],
            }),
            lines({
              title: "Current run",
              description: "Completed share of each step of the run; empty while none is active.",
              unit: units.PercentUnit,
              min: 0,
              max: 1,
              targets: [prom(max("batch_step_done_ratio", "step"), "{{step}}")],
            }),
          ],
        },
      ],
    },
    {
      title: "Correctness",
      lines: [{
        height: 8,
        panels: [
          lines({
            title: "Differences found",
            description:
              "Differences that the last verification found, and that the last one with a ledger found against the acknowledged records.",
            unit: units.Short,
            min: 0,
            steps: from(1),
            targets: [
              prom(max("batch_verify_differences"), "all"),
              prom(max("batch_verify_ledger_differences"), "ledger"),
            ],
          }),
          lines({
            title: "Time since the last verification",
            description: "Time since the served views were last recomputed and compared.",
            unit: units.Seconds,
            min: 0,
            targets: [prom(age("batch_verify_timestamp_seconds"), "age")],
          }),
          lines({
            title: "Dead letters",
            description: "Invalid records a second, by topic.",
            unit: units.RecordsPerSecond,
            min: 0,
            targets: [prom(sumRate("ingest_dead_letters_total", "topic"), "{{topic}}")],
          }),
          lines({
            title: "Not counted since the horizon",
            description:
              "Repeated announcements, and announcements older than the retention; invalid records; and comments whose subreddit is unknown to speed until the next generation.",
            unit: units.Short,
            min: 0,
            targets: [
              prom(max("lambda_duplicate_records"), "duplicate"),
              prom(max("lambda_late_records"), "late"),
              prom(max("lambda_dead_letters"), "dead letters"),
              prom(max("lambda_unresolved_comments", "layer"), "unresolved, {{layer}}"),
            ],
          }),
        ],
      }],
    },
    {
      title: "Stores and answers",
      lines: [
        {
          height: 8,
          panels: [
            lines({
              title: "Writes per event",
              description:
                "Documents that speed writes to Elasticsearch per folded record, by view: longer passes write fewer.",
              unit: units.Short,
              decimals: 2,
              min: 0,
              targets: [
                prom(
                  `${sumRate("speed_documents_total", "view")} / scalar(${
                    sumRate("speed_records_total", "", SPEED)
                  })`,
                  "{{view}}",
                ),
              ],
            }),
            lines({
              title: "Duration of a pass, and of a flush",
              description:
                "Speed: a pass, from taking the changed keys until searches find all of them. Ingest: a flush, from the first file until the commit. p99.",
              unit: units.Seconds,
              min: 0,
              targets: [
                prom(quantile(0.99, "speed_flush_duration_seconds"), "speed"),
                prom(quantile(0.99, "ingest_flush_duration_seconds"), "ingest"),
              ],
            }),
            lines({
              title: "Committed",
              description: "Bytes of files that ingest commits to the dataset a second, by topic.",
              unit: units.BytesPerSecondIEC,
              min: 0,
              targets: [prom(sumRate("ingest_bytes_total", "topic"), "{{topic}}")],
            }),
          ],
        },
        {
          height: 8,
          panels: [
            lines({
              title: "Retried calls",
              description:
                "Calls a second that a dependency did not answer or refused, by job and reason.",
              unit: units.OpsPerSecond,
              min: 0,
              targets: [prom(sumRate("job_retries_total", "job, code"), "{{job}} {{code}}")],
            }),
            lines({
              title: "Requests",
              description: "Requests to the API a second, by the status of the answer.",
              unit: units.RequestsPerSecond,
              min: 0,
              targets: [
                prom(sumRate("serving_request_duration_seconds_count", "status"), "{{status}}"),
              ],
            }),
            lines({
              title: "Latency of answers",
              description: "Time until the answer begins, p99, by route.",
              unit: units.Seconds,
              min: 0,
              targets: [
                prom(quantile(0.99, "serving_request_duration_seconds", "route"), "{{route}}"),
              ],
            }),
            lines({
              title: "Readability and stream clients",
              description:
                "Replicas of serving that can read the pipeline's figures, those that the store answers, and clients of the event stream.",
              unit: units.Short,
              min: 0,
              targets: [
                prom(sum("lambda_readable"), "replicas that read"),
                prom(sum("serving_store_answers"), "replicas that the store answers"),
                prom(sum("serving_stream_clients"), "clients"),
              ],
            }),
          ],
        },
        {
          height: 8,
          panels: [
            lines({
              title: "Age of the copy",
              description:
                "Time since the oldest record that Elasticsearch lacks was folded: the age of all panels that read the views there.",
              unit: units.Seconds,
              min: 0,
              targets: [prom(max("speed_copy_age_seconds"), "age")],
            }),
            lines({
              title: "Sources of answers",
              description:
                "Parts of answers a second, by source: speed's memory, the store in place of it, or none.",
              unit: units.OpsPerSecond,
              min: 0,
              targets: [prom(sumRate("serving_parts_total", "source"), "{{source}}")],
            }),
            lines({
              title: "Questions to the folds",
              description:
                "Requests of serving to speed a second, by result; and refusals by speed.",
              unit: units.RequestsPerSecond,
              min: 0,
              targets: [
                prom(sumRate("parts_requests_total", "result"), "{{result}}"),
                prom(sumRate("speed_parts_requests_total", "status"), "speed: {{status}}"),
              ],
            }),
          ],
        },
        {
          height: 8,
          panels: [
            lines({
              title: "Backlog of the generator",
              description:
                "Records that are due and not sent yet: above 0, the load exceeds the log's capacity.",
              unit: units.Short,
              min: 0,
              targets: [prom(sum("generator_behind_records"), "due")],
            }),
            lines({
              title: "Records by outcome",
              description:
                "Records of the generator a second. Refused, ambiguous and abandoned records are not acknowledged.",
              unit: units.RecordsPerSecond,
              min: 0,
              targets: [prom(sumRate("generator_records_total", "state"), "{{state}}")],
            }),
            lines({
              title: "Keys in memory",
              description: "Keys that speed holds per pod, in all generations that it folds.",
              unit: units.Short,
              min: 0,
              targets: [prom(series("speed_keys"), "{{pod}}")],
            }),
            lines({
              title: "Commits",
              description: "Flushes committed to the dataset a second, by topic.",
              unit: units.OpsPerSecond,
              min: 0,
              targets: [prom(sumRate("ingest_commits_total", "topic"), "{{topic}}")],
            }),
          ],
        },
      ],
    },
  ],
};
