/**
 * *Elasticsearch*: whether every shard is allocated, and the speed of indexing and searching.
 *
 * @module
 */

import * as units from "@grafana/grafana-foundation-sdk/units";
import type { DashboardSpec } from "./dashboard.ts";
import { above, figure, from, lines } from "./panels.ts";
import { max, rate, series, sum, sumRate } from "./promql.ts";
import { prom } from "./targets.ts";

/** 0 for green, 1 for yellow, 2 for red. */
const STATUS = ["yellow", "red"].map((color, i) =>
  `${i + 1} * ${max("elasticsearch_cluster_health_status", "", `color="${color}"`)}`
).join(" + ");

/** Mean seconds of an operation, by node. */
function mean(time: string, count: string): string {
  return `${rate(time)} / ${rate(count)}`;
}

/** *Elasticsearch*. */
export const ELASTICSEARCH: DashboardSpec = {
  uid: "elasticsearch",
  title: "Elasticsearch",
  description: "Health, indexing, searching, memory and space of the serving store.",
  sections: [
    {
      title: "Health",
      lines: [{
        height: 4,
        panels: [
          figure({
            title: "Status",
            description:
              "Green: all shards and copies are available. Yellow: copies are missing. Red: shards are missing, so answers are incomplete.",
            unit: units.NoUnit,
            steps: above(1, 2),
            texts: { 0: "green", 1: "yellow", 2: "red" },
            targets: [prom(STATUS)],
          }),
          figure({
            title: "Live nodes",
            description: "Nodes of the cluster.",
            unit: units.Short,
            targets: [prom(max("elasticsearch_cluster_health_number_of_nodes"))],
          }),
          figure({
            title: "Unassigned shards",
            description: "Shards and copies without a node.",
            unit: units.Short,
            steps: from(1),
            targets: [prom(max("elasticsearch_cluster_health_unassigned_shards"))],
          }),
          figure({
            title: "Pending tasks",
            description: "Changes of the cluster state that wait for the master.",
            unit: units.Short,
            steps: above(10, 100),
            targets: [prom(max("elasticsearch_cluster_health_number_of_pending_tasks"))],
          }),
          figure({
            title: "Most heap used",
            description: "Used share of the heap on the fullest node.",
            unit: units.PercentUnit,
            min: 0,
            max: 1,
            steps: above(0.85, 0.95),
            targets: [
              prom(
                `max(${series("elasticsearch_jvm_memory_used_bytes", 'area="heap"')} / ${
                  series("elasticsearch_jvm_memory_max_bytes", 'area="heap"')
                })`,
              ),
            ],
          }),
          figure({
            title: "Least space free",
            description:
              "Free share of the space on the fullest node. Below 15 %, the node gets no more copies; below 5 %, its indices become read-only.",
            unit: units.PercentUnit,
            min: 0,
            max: 1,
            steps: [[null, "red"], [0.05, "orange"], [0.15, "green"]],
            targets: [
              prom(
                `min(${series("elasticsearch_filesystem_data_available_bytes")} / ${
                  series("elasticsearch_filesystem_data_size_bytes")
                })`,
              ),
            ],
          }),
        ],
      }],
    },
    {
      title: "Indexing",
      lines: [{
        height: 8,
        panels: [
          lines({
            title: "Documents indexed",
            description: "Documents a second, copies counted, by node.",
            unit: units.OpsPerSecond,
            min: 0,
            targets: [prom(rate("elasticsearch_indices_indexing_index_total"), "{{name}}")],
          }),
          lines({
            title: "Time per document",
            description: "Mean time to index a document, by node.",
            unit: units.Seconds,
            min: 0,
            targets: [
              prom(
                mean(
                  "elasticsearch_indices_indexing_index_time_seconds_total",
                  "elasticsearch_indices_indexing_index_total",
                ),
                "{{name}}",
              ),
            ],
          }),
          lines({
            title: "Refreshes",
            description:
              "Refreshes a second, by node. Searches find a document after the next refresh.",
            unit: units.OpsPerSecond,
            min: 0,
            targets: [prom(rate("elasticsearch_indices_refresh_total"), "{{name}}")],
          }),
          lines({
            title: "Merging",
            description: "Mean number of threads that merge segments, by node.",
            unit: units.Short,
            min: 0,
            targets: [
              prom(rate("elasticsearch_indices_merges_total_time_seconds_total"), "{{name}}"),
            ],
          }),
        ],
      }],
    },
    {
      title: "Searching",
      lines: [{
        height: 8,
        panels: [
          lines({
            title: "Searches",
            description: "Searches of shards a second, by node.",
            unit: units.RequestsPerSecond,
            min: 0,
            targets: [prom(rate("elasticsearch_indices_search_query_total"), "{{name}}")],
          }),
          lines({
            title: "Time per search",
            description: "Mean time of a shard's search, by node.",
            unit: units.Seconds,
            min: 0,
            targets: [
              prom(
                mean(
                  "elasticsearch_indices_search_query_time_seconds",
                  "elasticsearch_indices_search_query_total",
                ),
                "{{name}}",
              ),
            ],
          }),
          lines({
            title: "Waiting tasks",
            description: "Tasks in the queues of the write and search threads, by node.",
            unit: units.Short,
            min: 0,
            targets: [
              prom(
                series("elasticsearch_thread_pool_queue_count", 'type=~"write|search"'),
                "{{name}} {{type}}",
              ),
            ],
          }),
          lines({
            title: "Refused tasks",
            description:
              "Tasks refused a second because a queue was full, by kind. The jobs retry.",
            unit: units.OpsPerSecond,
            min: 0,
            steps: from(0.1),
            targets: [
              prom(sumRate("elasticsearch_thread_pool_rejected_count", "type"), "{{type}}"),
            ],
          }),
        ],
      }],
    },
    {
      title: "Nodes",
      lines: [{
        height: 8,
        panels: [
          lines({
            title: "CPU",
            description: "Share of the machine's cores that each node uses.",
            unit: units.Percent,
            min: 0,
            targets: [prom(series("elasticsearch_process_cpu_percent"), "{{name}}")],
          }),
          lines({
            title: "Heap used",
            description: "Used share of the heap.",
            unit: units.PercentUnit,
            min: 0,
            max: 1,
            steps: from(0.95),
            targets: [
              prom(
                `${series("elasticsearch_jvm_memory_used_bytes", 'area="heap"')} / ${
                  series("elasticsearch_jvm_memory_max_bytes", 'area="heap"')
                }`,
                "{{name}}",
              ),
            ],
          }),
          lines({
            title: "Garbage collection",
            description: "Share of the time that each node spends on garbage collection.",
            unit: units.PercentUnit,
            min: 0,
            steps: from(0.1),
            targets: [
              prom(sumRate("elasticsearch_jvm_gc_collection_seconds_sum", "name"), "{{name}}"),
            ],
          }),
          lines({
            title: "Circuit breakers",
            description:
              "Requests a second that were refused because they would take too much memory, by breaker.",
            unit: units.OpsPerSecond,
            min: 0,
            steps: from(0.1),
            targets: [prom(sumRate("elasticsearch_breakers_tripped", "breaker"), "{{breaker}}")],
          }),
        ],
      }],
    },
    {
      title: "Indices",
      lines: [{
        height: 9,
        panels: [
          lines({
            title: "Documents",
            description:
              "Documents by index, copies not counted. Each generation has its own indices; the previous ones are kept.",
            unit: units.Short,
            min: 0,
            targets: [prom(max("elasticsearch_indices_docs_primary", "index"), "{{index}}")],
          }),
          lines({
            title: "Size",
            description: "Bytes by index, copies counted.",
            unit: units.BytesIEC,
            min: 0,
            targets: [
              prom(max("elasticsearch_indices_store_size_bytes_total", "index"), "{{index}}"),
            ],
          }),
          lines({
            title: "Shards",
            description: "Shards that are active, being started, being moved, or without a node.",
            unit: units.Short,
            min: 0,
            targets: [
              prom(max("elasticsearch_cluster_health_active_shards"), "active"),
              prom(max("elasticsearch_cluster_health_initializing_shards"), "starting"),
              prom(max("elasticsearch_cluster_health_relocating_shards"), "moving"),
              prom(max("elasticsearch_cluster_health_unassigned_shards"), "unassigned"),
            ],
          }),
          lines({
            title: "Segments",
            description: "Segments by node: many segments slow searches down.",
            unit: units.Short,
            min: 0,
            targets: [prom(sum("elasticsearch_indices_segments_count", "name"), "{{name}}")],
          }),
        ],
      }],
    },
  ],
};
