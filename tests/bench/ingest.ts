/**
 * How quickly the log gets into HDFS with three copies, on cores shared with all the
 * servers, and who uses the cores meanwhile.
 *
 * @module
 */

import { openHdfs } from "@pipeline/adapters/hdfs";
import { type EventLog, keyOf, type ProducerRecord, recordBytes, topicOf } from "@pipeline/core";
import { DEAD_LETTER_TOPIC, TOPICS } from "@pipeline/core";
import { history } from "@pipeline/generator";
import { Ingest } from "@pipeline/ingest";
import type { Figure } from "./_figure.ts";
import { BATCH, onServers, openLog, PARTITIONS, sharesOf, usage } from "./_servers.ts";

const RECORDS = 1_200_000;
const GOAL = 20_000;

/** Runs the benchmark. */
export async function ingest(): Promise<Figure[]> {
  return await onServers({ kafka: 3, datanodes: 3 }, async (servers) => {
    const log = openLog(servers);
    const dataset = openHdfs({ namenodes: servers.namenodes.map((n) => `http://${n.endpoint}`) });
    try {
      await log.ensureTopics([
        ...TOPICS.map((topic) => ({ topic, partitions: PARTITIONS })),
        { topic: DEAD_LETTER_TOPIC, partitions: 1 },
      ]);
      const total = await fill(log);
      const ended = Promise.withResolvers<number>();
      let committed = 0;
      let files = 0;
      const before = usage(servers, { ingest: Deno.pid });
      const started = performance.now();
      const running = await Ingest.start({
        log,
        dataset,
        settings: {
          flush: { records: 50_000, bytes: 32 << 20, age: 5_000 },
          maxFuture: 86_400_000,
        },
        onCommit: (commit) => {
          committed += commit.records;
          files += commit.files.length;
          if (committed >= total) ended.resolve(performance.now());
        },
      });
      const end = await Promise.race([ended.promise, running.done.then(() => ended.promise)]);
      const seconds = (end - started) / 1000;
      const shares = sharesOf(before, usage(servers, { ingest: Deno.pid }), seconds);
      await running.stop();
      const rate = total / seconds;
      return [{
        what: `from Kafka to HDFS, ${total} records that wait`,
        value: `${Math.round(rate / 100) / 10} k records/s, ${files} files in ${
          seconds.toFixed(0)
        } s`,
        against: `of the cores: ${shares}`,
        goal: `at least ${GOAL / 1000} k records/s`,
        reached: rate >= GOAL,
      }];
    } finally {
      await dataset.close();
      await log.close();
    }
  });
}

/** About an hour of the generator's records, under their own keys. Returns their number. */
async function fill(log: EventLog): Promise<number> {
  const days = 0.05;
  const scale = RECORDS / (50_000 * days);
  const producer = await log.producer();
  const underWay: Promise<unknown>[] = [];
  let batch: ProducerRecord[] = [];
  let total = 0;
  const send = async () => {
    underWay.push(producer.send(batch));
    batch = [];
    if (underWay.length > 8) await underWay.shift();
  };
  for (const record of history({ seed: 1, end: Date.now(), days, scale })) {
    total++;
    batch.push({
      topic: topicOf(record),
      key: keyOf(record),
      value: recordBytes(record),
    });
    if (batch.length === BATCH) await send();
  }
  await send();
  await Promise.all(underWay);
  await producer.close();
  return total;
}
