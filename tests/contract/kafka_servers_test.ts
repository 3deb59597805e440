import { openKafka } from "@pipeline/adapters/kafka";
import { sharedServers } from "@pipeline/tools/servers";
import { Kafka, logLevel } from "kafkajs";
import { eventLogSuite } from "./event_log_suite.ts";
import { assertCode } from "./suite.ts";

const servers = await sharedServers();
const brokers = servers.kafka.map((node) => node.endpoint);

const MAX_RECORD_BYTES = 900_000;

eventLogSuite("Kafka", () => {
  const open = () => openKafka({ brokers, maxRecordBytes: MAX_RECORD_BYTES });
  let log = open();
  return Promise.resolve({
    port: log,
    truncate,
    async reopen() {
      await log.close();
      return log = open();
    },
    cleanup: () => log.close(),
  });
}, {
  maxRecordBytes: MAX_RECORD_BYTES,
  groups: true,
  truncation: true,
  durable: true,
  clean: false,
});

Deno.test({
  name: "ensureTopics() of Kafka is unavailable while there are fewer brokers than copies",
  // The client leaves timers behind.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const log = openKafka({ brokers, replication: brokers.length + 1, minInsyncReplicas: 1 });
    const topic = `contract-${crypto.randomUUID()}`;
    await assertCode(() => log.ensureTopics([{ topic, partitions: 1 }]), "unavailable");
    await log.close();
  },
});

/** Deletes the records before an offset. */
async function truncate(topic: string, partition: number, earliest: number): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = [{ partition, offset: String(earliest) }];
    await admin.deleteTopicRecords({ topic, partitions });
  } finally {
    await admin.disconnect();
  }
}
