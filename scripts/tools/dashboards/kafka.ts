/**
 * *Kafka*: whether every partition has a leader and its replicas, and the load of the brokers.
 *
 * @module
 */

import * as units from "@grafana/grafana-foundation-sdk/units";
import type { DashboardSpec } from "./dashboard.ts";
import { above, below, figure, from, lines } from "./panels.ts";
import { max, rate, series, sum, sumRate } from "./promql.ts";
import { prom } from "./targets.ts";

const JOB = 'job="kafka"';

/** *Kafka*. */
export const KAFKA: DashboardSpec = {
  uid: "kafka",
  title: "Kafka",
  description: "Brokers, partitions and their replicas, traffic, and request times.",
  sections: [
    {
      title: "Health",
      lines: [{
        height: 4,
        panels: [
          figure({
            title: "Live brokers",
            description: "Brokers that the active controller counts as alive.",
            unit: units.Short,
            targets: [prom(max("kafka_controller_kafkacontroller_activebrokercount"))],
          }),
          figure({
            title: "Active controllers",
            description: "Exactly one; without it, no topic can be created and no leader elected.",
            unit: units.Short,
            steps: [[null, "red"], [1, "green"], [2, "red"]],
            targets: [prom(sum("kafka_controller_kafkacontroller_activecontrollercount"))],
          }),
          figure({
            title: "Offline partitions",
            description: "Partitions without a leader: no reads, no writes.",
            unit: units.Short,
            steps: from(1),
            targets: [prom(max("kafka_controller_kafkacontroller_offlinepartitionscount"))],
          }),
          figure({
            title: "Under-replicated partitions",
            description: "Partitions that lack an in-sync replica. Normal while a broker restarts.",
            unit: units.Short,
            steps: above(1, 10),
            targets: [prom(sum("kafka_server_replicamanager_underreplicatedpartitions"))],
          }),
          figure({
            title: "Under min ISR",
            description:
              "Partitions with fewer in-sync replicas than a write needs: writes to them are refused.",
            unit: units.Short,
            steps: from(1),
            targets: [prom(sum("kafka_server_replicamanager_underminisrpartitioncount"))],
          }),
          figure({
            title: "Offline log directories",
            description: "Log directories that a broker could not read or write.",
            unit: units.Short,
            steps: from(1),
            targets: [prom(sum("kafka_log_logmanager_offlinelogdirectorycount"))],
          }),
        ],
      }],
    },
    {
      title: "Traffic",
      lines: [{
        height: 9,
        panels: [
          lines({
            title: "Records in",
            description: "Records that leaders appended a second, by topic.",
            unit: units.RecordsPerSecond,
            min: 0,
            targets: [
              prom(
                sumRate("kafka_server_brokertopicmetrics_messagesin_total", "topic"),
                "{{topic}}",
              ),
            ],
          }),
          lines({
            title: "Bytes in",
            description: "Bytes that leaders appended a second, by topic; without replication.",
            unit: units.BytesPerSecondIEC,
            min: 0,
            targets: [
              prom(sumRate("kafka_server_brokertopicmetrics_bytesin_total", "topic"), "{{topic}}"),
            ],
          }),
          lines({
            title: "Bytes out",
            description: "Bytes sent to consumers a second, by topic; without replication.",
            unit: units.BytesPerSecondIEC,
            min: 0,
            targets: [
              prom(sumRate("kafka_server_brokertopicmetrics_bytesout_total", "topic"), "{{topic}}"),
            ],
          }),
        ],
      }],
    },
    {
      title: "Requests",
      lines: [{
        height: 9,
        panels: [
          lines({
            title: "Time per request",
            description:
              "99 of 100 requests of a kind take at most this long, on the slowest broker. Fetches wait for records on purpose.",
            unit: units.Milliseconds,
            min: 0,
            targets: [
              prom(
                max("kafka_network_requestmetrics_totaltimems", "request", 'quantile="0.99"'),
                "{{request}}",
              ),
            ],
          }),
          lines({
            title: "Idle request handlers",
            description:
              "Share of the time that handlers wait for work: near 0, the broker is busy.",
            unit: units.PercentUnit,
            min: 0,
            max: 1,
            steps: below(0.3, 0.1),
            targets: [prom(series("kafka_server_requesthandler_idle_ratio"), "{{pod}}")],
          }),
          lines({
            title: "Failed requests",
            description: "Failed produce and fetch requests a second.",
            unit: units.RequestsPerSecond,
            min: 0,
            targets: [
              prom(
                sumRate("kafka_server_brokertopicmetrics_failedproducerequests_total"),
                "produce",
              ),
              prom(sumRate("kafka_server_brokertopicmetrics_failedfetchrequests_total"), "fetch"),
            ],
          }),
        ],
      }],
    },
    {
      title: "Brokers",
      lines: [
        {
          height: 8,
          panels: [
            lines({
              title: "Partitions led",
              description: "Partitions that each broker leads: equal numbers mean an even load.",
              unit: units.Short,
              min: 0,
              targets: [prom(series("kafka_server_replicamanager_leadercount"), "{{pod}}")],
            }),
            lines({
              title: "Replicas",
              description: "Replicas on each broker, and those that it cannot use.",
              unit: units.Short,
              min: 0,
              targets: [
                prom(series("kafka_server_replicamanager_partitioncount"), "{{pod}}"),
                prom(series("kafka_server_replicamanager_offlinereplicacount"), "{{pod}} offline"),
              ],
            }),
            lines({
              title: "Log",
              description: "Size of the topics' logs on all brokers, replicas counted.",
              unit: units.BytesIEC,
              min: 0,
              targets: [prom(sum("kafka_log_log_size", "topic"), "{{topic}}")],
            }),
            lines({
              title: "Fenced brokers",
              description:
                "Registered brokers that the controller keeps from serving: they are starting, or do not answer.",
              unit: units.Short,
              min: 0,
              steps: from(1),
              targets: [
                prom(max("kafka_controller_kafkacontroller_fencedbrokercount"), "fenced"),
              ],
            }),
          ],
        },
        {
          height: 8,
          panels: [
            lines({
              title: "CPU",
              description: "Cores that each broker uses.",
              unit: units.Short,
              min: 0,
              targets: [prom(rate("process_cpu_seconds_total", JOB), "{{pod}}")],
            }),
            lines({
              title: "Heap used",
              description: "Used share of the heap.",
              unit: units.PercentUnit,
              min: 0,
              max: 1,
              steps: from(0.9),
              targets: [
                prom(
                  `${series("jvm_memory_used_bytes", `${JOB},area="heap"`)} / ${
                    series("jvm_memory_max_bytes", `${JOB},area="heap"`)
                  }`,
                  "{{pod}}",
                ),
              ],
            }),
            lines({
              title: "Garbage collection",
              description: "Share of the time that each broker spends on garbage collection.",
              unit: units.PercentUnit,
              min: 0,
              steps: from(0.1),
              targets: [
                prom(sumRate("jvm_gc_collection_seconds_sum", "pod", JOB), "{{pod}}"),
              ],
            }),
            lines({
              title: "Open files",
              description: "Open share of the files that each broker may open.",
              unit: units.PercentUnit,
              min: 0,
              steps: from(0.8),
              targets: [
                prom(
                  `${series("process_open_fds", JOB)} / ${series("process_max_fds", JOB)}`,
                  "{{pod}}",
                ),
              ],
            }),
          ],
        },
      ],
    },
  ],
};
