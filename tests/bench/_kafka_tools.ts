/**
 * The measuring tools that come with Kafka, as yardsticks.
 *
 * @module
 */

import { kafkaTool } from "@pipeline/tools/servers";

/** What {@linkcode producerPerformance} appends. */
export interface ProduceRun {
  readonly brokers: readonly string[];
  /** Must exist. */
  readonly topic: string;
  readonly records: number;
  /** File of records, one a line; they are taken at random. */
  readonly payload: string;
}

/** Kafka's own producer, acknowledged by all in-sync copies. Returns records a second. */
export async function producerPerformance(run: ProduceRun): Promise<number> {
  const output = await kafkaTool("org.apache.kafka.tools.ProducerPerformance", [
    ...["--topic", run.topic, "--num-records", String(run.records), "--throughput", "-1"],
    ...["--payload-file", run.payload, "--producer-props"],
    ...[`bootstrap.servers=${run.brokers.join(",")}`, "acks=all", "linger.ms=10"],
  ]);
  // The last line is the sum: "200000 records sent, 34567.8 records/sec (10.3 MB/sec), ..."
  const rates = [...output.matchAll(/records sent, ([\d.]+) records\/sec/g)];
  const rate = rates.at(-1)?.[1];
  if (rate === undefined) throw new Error(`The tool said nothing of use:\n${output}`);
  return Number(rate);
}

/** Kafka's own consumer on one topic. Returns records a second, joining the group left out. */
export async function consumerPerformance(
  run: { readonly brokers: readonly string[]; readonly topic: string; readonly records: number },
): Promise<number> {
  const output = await kafkaTool("org.apache.kafka.tools.ConsumerPerformance", [
    ...["--bootstrap-server", run.brokers.join(","), "--topic", run.topic],
    ...["--messages", String(run.records), "--timeout", "60000"],
  ]);
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const cells = output.trim().split("\n").at(-1)!.split(",").map((cell) => Number(cell.trim()));
  const rate = cells[9];
  if (rate === undefined || !(rate > 0)) {
    throw new Error(`The tool said nothing of use:\n${output}`);
  }
  return rate;
}
