/**
 * What Elasticsearch has to do for the records of a time: processor time, and documents of speed.
 *
 * @module
 */

import { openKafka } from "@pipeline/adapters/kafka";
import { TOPICS } from "@pipeline/core";
import type { Servers } from "@pipeline/tools/servers";
import { brokers, type Usage, usage } from "./_servers.ts";

/** Totals at one moment. */
export interface StoreLoad {
  /** By `performance.now()`. */
  readonly at: number;
  /** Records in the log. */
  readonly records: number;
  /** Documents that speed has written since the indices were created, with its watermarks. */
  readonly documents: number;
  /** Processor time of all processes. */
  readonly usage: Usage;
}

/** What one record has cost between two moments. */
export interface RecordCost {
  /** Documents. */
  readonly documents: number;
  /** Seconds of Elasticsearch's processor time for a million records. */
  readonly seconds: number;
}

/** Reads the totals; `jobs` is the process of the jobs. */
export async function storeLoad(
  servers: Servers,
  { prefix, jobs }: { readonly prefix: string; readonly jobs: number },
): Promise<StoreLoad> {
  const [records, documents] = await Promise.all([
    recordsOf(servers, prefix),
    documentsOf(servers, prefix),
  ]);
  return { at: performance.now(), records, documents, usage: usage(servers, { jobs }) };
}

/** The cost of the records between two moments. */
export function recordCost(before: StoreLoad, after: StoreLoad): RecordCost {
  const records = after.records - before.records;
  const seconds = after.usage.Elasticsearch! - before.usage.Elasticsearch!;
  return {
    documents: (after.documents - before.documents) / records,
    seconds: seconds * 1e6 / records,
  };
}

async function recordsOf(servers: Servers, prefix: string): Promise<number> {
  const log = openKafka({ brokers: brokers(servers), prefix });
  try {
    const ranges = await Promise.all(TOPICS.map((topic) => log.ranges(topic)));
    return ranges.flat().reduce((sum, { end }) => sum + end, 0);
  } finally {
    await log.close();
  }
}

async function documentsOf(servers: Servers, prefix: string): Promise<number> {
  const node = servers.elasticsearch[0]!.endpoint;
  const response = await fetch(`http://${node}/${prefix}views_*-live/_stats/indexing`);
  const answer = await response.json();
  if (!response.ok) throw new Error(`The statistics failed: ${JSON.stringify(answer)}`);
  return answer._all.primaries.indexing.index_total;
}
