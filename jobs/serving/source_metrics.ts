/**
 * Where answers come from, as metrics.
 *
 * @module
 */

import type { Metrics } from "@pipeline/runtime";
import type { Source } from "./reading/source.ts";

/** Adds the metrics of a source. */
export function watchSource(metrics: Metrics, { served, cache, answered }: Source): void {
  metrics.gauge("serving_store_answers", {
    help: "1 while the store answers, else 0: then answers come from memory.",
    collect: (gauge) => gauge.set(served.failure === undefined ? 1 : 0),
  });
  metrics.total("serving_parts_total", {
    help: "Answers of speed's parts by source: a fold (memory), the store, or neither (none).",
    labels: { source: ["memory", "store", "none"] },
    collect: (set) => {
      for (const source of ["memory", "store", "none"] as const) set(answered[source], { source });
    },
  });
  metrics.total("serving_cache_reads_total", {
    help: "Reads of batch's documents: from the cache (hit), or the store (miss).",
    labels: { result: ["hit", "miss"] },
    collect: (set) => {
      for (const result of ["hit", "miss"] as const) set(cache.reads[result], { result });
    },
  });
  metrics.gauge("serving_cache_bytes", {
    help: "Bytes of batch's documents in the cache.",
    collect: (gauge) => gauge.set(cache.bytes),
  });
}
