/**
 * How quickly the log is read, parsed and folded, against a bare kafkajs consumer and the
 * one that comes with Kafka, on the same brokers and records.
 *
 * @module
 */

import { DEFAULT_SETTINGS, type EventLog, ViewState } from "@pipeline/core";
import type { LogBatch } from "@pipeline/core";
import { Kafka, logLevel } from "kafkajs";
import { collectGarbage, type Figure, median, processorTime, ratio } from "./_figure.ts";
import { historyLines } from "./_history.ts";
import { consumerPerformance } from "./_kafka_tools.ts";
import { append, brokers, onServers, openLog, PARTITIONS } from "./_servers.ts";

const TOPIC = "reddit.posts";
const RECORDS = 300_000;
const ROUNDS = 3;

interface Timed {
  /** Records a second from the first batch on: joining a group is not what is measured. */
  readonly rate: number;
  /** Milliseconds of processor time of this process. */
  readonly busy: number;
}

/** Runs the benchmark. */
export async function consume(): Promise<Figure[]> {
  const lines = historyLines().filter(({ topic }) => topic === TOPIC);
  // The generator's posts, again and again: one topic, as the Java tool reads one.
  const records = Array.from({ length: RECORDS }, (_, i) => lines[i % lines.length]!);
  return await onServers({ kafka: 3 }, async (servers) => {
    const log = openLog(servers);
    try {
      await log.ensureTopics([{ topic: TOPIC, partitions: PARTITIONS }]);
      await append(log, TOPIC, records);
      const subjects = {
        java: async () => ({
          rate: await consumerPerformance({
            brokers: brokers(servers),
            topic: TOPIC,
            records: RECORDS,
          }),
          busy: 0,
        }),
        bare: () => bareConsumer(brokers(servers)),
        consumed: () => subscribe(log, () => {}),
        folded: () => {
          const state = new ViewState(DEFAULT_SETTINGS);
          return subscribe(log, ({ records }) => {
            for (const { value } of records) state.addBytes(TOPIC, value);
          });
        },
      };
      const times: Record<keyof typeof subjects, Timed[]> = {
        java: [],
        bare: [],
        consumed: [],
        folded: [],
      };
      for (let round = 0; round <= ROUNDS; round++) {
        for (const [name, subject] of Object.entries(subjects)) {
          collectGarbage();
          const timed = await subject();
          if (round > 0) times[name as keyof typeof subjects].push(timed);
        }
      }
      return figures(times);
    } finally {
      await log.close();
    }
  });
}

function figures(times: Readonly<Record<string, readonly Timed[]>>): Figure[] {
  const rateOf = (name: string) => median(times[name]!.map(({ rate }) => rate));
  const busyOf = (name: string) =>
    `${
      (median(times[name]!.map(({ busy }) => busy)) / RECORDS * 1e3).toFixed(1)
    } s a million records`;
  const [java, bare] = [rateOf("java"), rateOf("bare")];
  const against = (rate: number) =>
    `${ratio(rate / bare)} x bare kafkajs, ${ratio(rate / java)} x Java`;
  return [
    { what: "yardstick: Kafka's consumer-perf-test", value: perSecond(java) },
    { what: "yardstick: bare kafkajs", value: `${perSecond(bare)}, ${busyOf("bare")}` },
    {
      what: "our consumer",
      value: `${perSecond(rateOf("consumed"))}, ${busyOf("consumed")}`,
      against: against(rateOf("consumed")),
    },
    {
      what: "our consumer, parse and fold",
      value: `${perSecond(rateOf("folded"))}, ${busyOf("folded")}`,
      against: against(rateOf("folded")),
    },
  ];
}

/** Our consumer from the start of the topic to its end. */
async function subscribe(log: EventLog, take: (batch: LogBatch) => void): Promise<Timed> {
  const timer = new Timer();
  const consumer = await log.subscribe({
    group: `bench-${crypto.randomUUID()}`,
    topics: [TOPIC],
    start: () => Promise.resolve(0),
    batch: (batch) => {
      timer.begin();
      take(batch);
      timer.count(batch.records.length);
      return Promise.resolve();
    },
  });
  const timed = await Promise.race([timer.done, consumer.done.then(() => timer.done)]);
  await consumer.stop();
  return timed;
}

/** kafkajs as its documentation shows it, doing nothing with what it reads. */
async function bareConsumer(addresses: string[]): Promise<Timed> {
  const kafka = new Kafka({ brokers: addresses, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bench-${crypto.randomUUID()}` });
  const timer = new Timer();
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      timer.begin();
      timer.count(batch.messages.length);
      return Promise.resolve();
    },
  });
  const timed = await timer.done;
  await consumer.disconnect();
  return timed;
}

/** From the first batch until all records are there. */
class Timer {
  readonly #ended = Promise.withResolvers<Timed>();
  #started: number | undefined;
  #busy = 0;
  #left = RECORDS;

  get done(): Promise<Timed> {
    return this.#ended.promise;
  }

  begin(): void {
    if (this.#started !== undefined) return;
    this.#started = performance.now();
    this.#busy = processorTime();
  }

  count(records: number): void {
    this.#left -= records;
    if (this.#left > 0) return;
    this.#ended.resolve({
      rate: RECORDS / (performance.now() - this.#started!) * 1000,
      busy: processorTime() - this.#busy,
    });
  }
}

function perSecond(rate: number): string {
  return `${Math.round(rate / 1000)} k records/s`;
}
