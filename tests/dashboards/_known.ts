/**
 * What may be asked: the metrics that docs fix, and the fields that the views' indices have.
 *
 * @module
 */

import { parse } from "yaml";
import { type Metric, tables } from "../metrics/_documented.ts";

/** Labels that the scrape adds to every series. */
const SCRAPED = ["job", "namespace", "release", "pod", "instance"];

/** Names of prom-client, which docs/metrics.md only names as a group. */
const PROCESS: readonly string[] = [
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "process_start_time_seconds",
  "process_open_fds",
  "process_max_fds",
  "nodejs_eventloop_lag_seconds",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_heap_size_used_bytes",
];

/** What Prometheus records by its rules. */
const RECORDED = new URL(
  "../../charts/reddit-pipeline/charts/prometheus/files/rules/recording.yaml",
  import.meta.url,
);

/** The labels of each series that docs fix or rules record, by its name: a histogram has several. */
export async function knownSeries(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const known = new Map<string, Set<string>>(PROCESS.map((name) => [name, new Set(SCRAPED)]));
  const rules: { readonly record: string }[] = parse(await Deno.readTextFile(RECORDED));
  for (const { record } of rules) known.set(record, new Set(SCRAPED));
  for (const page of ["metrics.md", "metrics-of-servers.md"]) {
    const text = await Deno.readTextFile(new URL(`../../docs/${page}`, import.meta.url));
    for (const metric of tables(text)) {
      for (const [name, labels] of seriesOf(metric)) {
        const all = known.get(name) ?? new Set(SCRAPED);
        labels.forEach((label) => all.add(label));
        known.set(name, all);
      }
    }
  }
  return known;
}

function seriesOf({ name, type, labels }: Metric): [string, readonly string[]][] {
  switch (type) {
    case "histogram":
      return [
        [`${name}_bucket`, [...labels, "le"]],
        [`${name}_sum`, labels],
        [`${name}_count`, labels],
      ];
    case "summary":
      return [[`${name}_sum`, labels], [`${name}_count`, labels]];
    default:
      return [[name, labels]];
  }
}
