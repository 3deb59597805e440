/**
 * How quickly our producer appends, against the one that comes with Kafka, on the same
 * brokers: three copies, acknowledged by all.
 *
 * @module
 */

import { type Figure, median, processorTime, ratio } from "./_figure.ts";
import { historyLines, type Line } from "./_history.ts";
import { producerPerformance } from "./_kafka_tools.ts";
import { append, brokers, onServers, openLog, PARTITIONS } from "./_servers.ts";

const RECORDS = 200_000;
const ROUNDS = 3;

/** Runs the benchmark. */
export async function produce(): Promise<Figure[]> {
  const lines = historyLines().slice(0, RECORDS);
  return await onServers({ kafka: 3 }, async (servers) => {
    const log = openLog(servers);
    const payload = await Deno.makeTempFile();
    try {
      await writePayload(payload, lines);
      const ours: number[] = [];
      const seconds: number[] = [];
      const theirs: number[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        const [mine, yardstick] = [`bench.ours-${round}`, `bench.java-${round}`];
        await log.ensureTopics(
          [mine, yardstick].map((topic) => ({ topic, partitions: PARTITIONS })),
        );
        const [started, used] = [performance.now(), processorTime()];
        await append(log, mine, lines);
        const took = (performance.now() - started) / 1000;
        const busy = (processorTime() - used) / 1000;
        const java = await producerPerformance({
          brokers: brokers(servers),
          topic: yardstick,
          records: RECORDS,
          payload,
        });
        // The first round warms the brokers up.
        if (round === 0) continue;
        ours.push(RECORDS / took);
        seconds.push(busy);
        theirs.push(java);
      }
      const rate = median(ours);
      const yardstick = median(theirs);
      return [
        {
          what: "yardstick: Kafka's producer-perf-test",
          value: perSecond(yardstick),
        },
        {
          what: "our producer",
          value: perSecond(rate),
          against: `${ratio(rate / yardstick)} x the yardstick`,
        },
        {
          what: "our processor time",
          value: `${(median(seconds) / RECORDS * 1e6).toFixed(1)} s a million records`,
        },
      ];
    } finally {
      await Deno.remove(payload);
      await log.close();
    }
  });
}

function perSecond(rate: number): string {
  return `${Math.round(rate / 1000)} k records/s`;
}

async function writePayload(path: string, lines: readonly Line[]): Promise<void> {
  using file = await Deno.open(path, { write: true, truncate: true });
  const writer = file.writable.getWriter();
  const newline = Uint8Array.of(10);
  // The tool picks records at random: a part of them says as much as all.
  for (const { bytes } of lines.slice(0, 20_000)) {
    await writer.write(bytes);
    await writer.write(newline);
  }
  await writer.close();
}
