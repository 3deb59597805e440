/**
 * *HDFS*: whether every block is replicated, and the activity of NameNode and DataNodes.
 *
 * @module
 */

import * as units from "@grafana/grafana-foundation-sdk/units";
import type { DashboardSpec } from "./dashboard.ts";
import { above, figure, from, lines } from "./panels.ts";
import { max, rate, series, sum, sumRate } from "./promql.ts";
import { prom } from "./targets.ts";

const NAMENODE = 'job="namenode"';
const DATANODE = 'job="datanode"';
/** Prefix of a DataNode's metrics about its volumes. */
const VOLUMES = "org_apache_hadoop_hdfs_server_datanode_fsdataset_impl_fs_dataset_impl";

const USED = `${max("fs_namesystem_capacity_used")} / ${max("fs_namesystem_capacity_total")}`;

/** *HDFS*. */
export const HDFS: DashboardSpec = {
  uid: "hdfs",
  title: "HDFS",
  description: "Blocks and their copies, DataNodes, space, and the NameNode's response times.",
  sections: [
    {
      title: "Health",
      lines: [{
        height: 4,
        panels: [
          figure({
            title: "Safe mode",
            description:
              "While it is on, HDFS refuses writes: the NameNode waits for blocks, or an operator turned it on.",
            unit: units.NoUnit,
            steps: from(1),
            texts: { 0: "off", 1: "on" },
            targets: [prom(max("hdfs_namenode_safe_mode"))],
          }),
          figure({
            title: "Live DataNodes",
            description: "DataNodes that report.",
            unit: units.Short,
            targets: [prom(max("fs_namesystem_num_live_data_nodes"))],
          }),
          figure({
            title: "Dead or stale DataNodes",
            description:
              "Dead: no report for minutes, its blocks are copied again. Stale: no report for half a minute.",
            unit: units.Short,
            steps: from(1),
            targets: [
              prom(
                `${max("fs_namesystem_num_dead_data_nodes")} + ${
                  max("fs_namesystem_stale_data_nodes")
                }`,
              ),
            ],
          }),
          figure({
            title: "Missing blocks",
            description: "Blocks without any copy: their data cannot be read.",
            unit: units.Short,
            steps: from(1),
            targets: [prom(max("fs_namesystem_missing_blocks"))],
          }),
          figure({
            title: "Under-replicated blocks",
            description:
              "Blocks with fewer copies than configured. Resolves by itself if there are enough DataNodes.",
            unit: units.Short,
            steps: above(1, 1_000),
            targets: [prom(max("fs_namesystem_under_replicated_blocks"))],
          }),
          figure({
            title: "Space used",
            description: "Share of the DataNodes' space that HDFS uses.",
            unit: units.PercentUnit,
            min: 0,
            max: 1,
            steps: above(0.75, 0.9),
            targets: [prom(USED)],
          }),
        ],
      }],
    },
    {
      title: "Space and files",
      lines: [{
        height: 9,
        panels: [
          lines({
            title: "Space",
            description:
              "Space of all DataNodes: the total, the space that HDFS uses, and the space free for it.",
            unit: units.BytesIEC,
            min: 0,
            targets: [
              prom(max("fs_namesystem_capacity_total"), "all"),
              prom(max("fs_namesystem_capacity_used"), "used"),
              prom(max("fs_namesystem_capacity_remaining"), "free"),
            ],
          }),
          lines({
            title: "Files and blocks",
            description: "Objects in the NameNode's memory: about 1 GB of heap a million.",
            unit: units.Short,
            min: 0,
            targets: [
              prom(max("fs_namesystem_files_total"), "files and folders"),
              prom(max("fs_namesystem_blocks_total"), "blocks"),
            ],
          }),
          lines({
            title: "Blocks to repair",
            description: "Blocks that are corrupt, lack copies, or are being copied.",
            unit: units.Short,
            min: 0,
            targets: [
              prom(max("fs_namesystem_corrupt_blocks"), "corrupt"),
              prom(max("fs_namesystem_under_replicated_blocks"), "under-replicated"),
              prom(max("fs_namesystem_pending_reconstruction_blocks"), "being copied"),
              prom(max("fs_namesystem_pending_deletion_blocks"), "to be deleted"),
            ],
          }),
        ],
      }],
    },
    {
      title: "NameNode",
      lines: [
        {
          height: 8,
          panels: [
            lines({
              title: "Files created, renamed, deleted",
              description: "Operations a second. Ingest creates and renames files in every flush.",
              unit: units.OpsPerSecond,
              min: 0,
              targets: [
                prom(sumRate("namenode_files_created"), "made"),
                prom(sumRate("namenode_files_renamed"), "moved"),
                prom(sumRate("namenode_files_deleted"), "deleted"),
              ],
            }),
            lines({
              title: "Calls",
              description: "Calls to the NameNode, a second.",
              unit: units.OpsPerSecond,
              min: 0,
              targets: [prom(sumRate("rpc_rpc_processing_time_num_ops", "", NAMENODE), "calls")],
            }),
            lines({
              title: "Time per call",
              description: "Means of the last interval: time in the queue, and time of processing.",
              unit: units.Milliseconds,
              min: 0,
              targets: [
                prom(max("rpc_rpc_queue_time_avg_time", "", NAMENODE), "queue"),
                prom(max("rpc_rpc_processing_time_avg_time", "", NAMENODE), "processing"),
              ],
            }),
            lines({
              title: "Waiting calls",
              description: "Length of the call queue: it grows when the NameNode does not keep up.",
              unit: units.Short,
              min: 0,
              targets: [prom(max("rpc_call_queue_length", "", NAMENODE), "queue")],
            }),
          ],
        },
        {
          height: 8,
          panels: [
            lines({
              title: "Journal writes",
              description:
                "Mean time of the last interval to make changes of the file system durable.",
              unit: units.Milliseconds,
              min: 0,
              targets: [prom(max("namenode_syncs_avg_time"), "sync")],
            }),
            lines({
              title: "Changes since the last checkpoint",
              description: "Changes that a restart of the NameNode must replay.",
              unit: units.Short,
              min: 0,
              targets: [
                prom(max("fs_namesystem_transactions_since_last_checkpoint"), "changes"),
              ],
            }),
            lines({
              title: "Heap used",
              description: "Used share of the heap of the NameNode and the DataNodes.",
              unit: units.PercentUnit,
              min: 0,
              max: 1,
              steps: from(0.9),
              targets: [
                prom(
                  `${series("jvm_metrics_mem_heap_used_m")} / ${
                    series("jvm_metrics_mem_heap_max_m")
                  }`,
                  "{{pod}}",
                ),
              ],
            }),
            lines({
              title: "Garbage collection",
              description: "Share of the time that each process spends on garbage collection.",
              unit: units.PercentUnit,
              min: 0,
              steps: from(0.1),
              targets: [prom(`${rate("jvm_metrics_gc_time_millis")} / 1000`, "{{pod}}")],
            }),
          ],
        },
      ],
    },
    {
      title: "DataNodes",
      lines: [
        {
          height: 8,
          panels: [
            lines({
              title: "Written",
              description: "Bytes that each DataNode writes a second, copies for others included.",
              unit: units.BytesPerSecondIEC,
              min: 0,
              targets: [prom(rate("datanode_bytes_written"), "{{pod}}")],
            }),
            lines({
              title: "Read",
              description: "Bytes that each DataNode reads, a second.",
              unit: units.BytesPerSecondIEC,
              min: 0,
              targets: [prom(rate("datanode_bytes_read"), "{{pod}}")],
            }),
            lines({
              title: "Active transfers",
              description: "Blocks that each DataNode sends or receives now.",
              unit: units.Short,
              min: 0,
              targets: [prom(series("datanode_data_node_active_xceivers_count"), "{{pod}}")],
            }),
            lines({
              title: "Free space",
              description: "Space that each DataNode has free for HDFS.",
              unit: units.BytesIEC,
              min: 0,
              targets: [prom(sum(`${VOLUMES}_remaining`, "pod"), "{{pod}}")],
            }),
          ],
        },
        {
          height: 8,
          panels: [
            lines({
              title: "Time per block operation",
              description:
                "Mean time to write or read a block in the last interval, on the slowest DataNode.",
              unit: units.Milliseconds,
              min: 0,
              targets: [
                prom(max("datanode_write_block_op_avg_time"), "write"),
                prom(max("datanode_read_block_op_avg_time"), "read"),
              ],
            }),
            lines({
              title: "Failed volumes",
              description: "Volumes that a DataNode cannot use.",
              unit: units.Short,
              min: 0,
              steps: from(1),
              targets: [prom(sum(`${VOLUMES}_num_failed_volumes`, "pod"), "{{pod}}")],
            }),
            lines({
              title: "Slow writes",
              description:
                "Packets a second that took long to reach the disk or the next DataNode.",
              unit: units.OpsPerSecond,
              min: 0,
              targets: [
                prom(sumRate("datanode_packets_slow_write_to_disk", "pod"), "{{pod}} disk"),
                prom(sumRate("datanode_packets_slow_write_to_mirror", "pod"), "{{pod}} next"),
              ],
            }),
            lines({
              title: "Errors",
              description:
                "Network errors of DataNodes, and blocks with wrong checksums, a second.",
              unit: units.OpsPerSecond,
              min: 0,
              targets: [
                prom(
                  sumRate("datanode_datanode_network_errors", "pod", DATANODE),
                  "{{pod}} network",
                ),
                prom(
                  sumRate("datanode_block_verification_failures", "pod", DATANODE),
                  "{{pod}} checksum",
                ),
              ],
            }),
          ],
        },
      ],
    },
  ],
};
