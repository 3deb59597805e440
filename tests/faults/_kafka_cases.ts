/**
 * Faults of Kafka.
 *
 * @module
 */

import { hasCode } from "@pipeline/core";
import { assert, assertEquals } from "@std/assert";
import type { FaultCase, Scene } from "./_case.ts";
import { coordinatorOf, leaderOf, membersOf, withAdmin } from "./_cluster.ts";
import { produceAgain } from "./_producing.ts";
import type { Stage } from "./_stage.ts";

const POSTS = "reddit.posts";

/** In the order of their numbers. */
export const KAFKA_CASES: readonly FaultCase[] = [
  {
    numbers: [1],
    title: "the leader of a partition in use is killed under load",
    quick: true,
    async run({ stage, act, recovered }) {
      const leader = await leaderOf(stage.servers, `${stage.prefix}reddit.comments`, 0);
      await act(`kill -9 of ${leader.name}, leader of comments-0`, () => leader.kill());
      await recovered();
      await act("started again", () => leader.start());
      await recovered();
    },
  },
  {
    numbers: [2],
    title: "a broker is paused for 60 s",
    async run({ stage, act, recovered, wait }) {
      const leader = await leaderOf(stage.servers, `${stage.prefix}${POSTS}`, 0);
      const end = performance.now() + 60_000;
      await act(`SIGSTOP of ${leader.name}, leader of posts-0`, () => leader.pause());
      await recovered();
      await wait(Math.max(0, end - performance.now()) / 1_000);
      await act("resumed after 60 s", () => leader.resume());
      await recovered();
    },
  },
  {
    numbers: [3],
    title: "two of three brokers are down",
    async run(scene) {
      const { stage, act, recovered, wait, note } = scene;
      const [, ...two] = stage.servers.kafka;
      await act(
        "kill -9 of kafka-2 and kafka-3",
        () => Promise.all(two.map((node) => node.kill())),
      );
      // What was on its way when they fell may still have been acknowledged.
      await wait(5);
      const before = await acknowledged(scene);
      await wait(20);
      assertEquals(await acknowledged(scene), before, "records were acknowledged by one of three");
      const generator = stage.job("generator");
      assert(await generator.objection("/readyz") !== undefined, "the generator says it is ready");
      assertEquals(await generator.objection("/healthz"), undefined);
      note("nothing acknowledged by one broker alone, not ready, live");
      await act(
        "both started again after 25 s",
        () => Promise.all(two.map((node) => node.start())),
      );
      await recovered();
    },
  },
  {
    numbers: [5],
    title: "the coordinator of a consumer group is killed",
    async run({ stage, act, recovered }) {
      const coordinator = await coordinatorOf(stage.servers, `${stage.prefix}ingest`);
      await act(`kill -9 of ${coordinator.name}, coordinator of ingest`, () => coordinator.kill());
      await recovered();
    },
  },
  {
    numbers: [6],
    title: "an owner sleeps through a rebalance in mid-flush, and wakes up to its late write",
    crashes: true,
    async run({ stage, act, recovered }) {
      const first = stage.job("ingest");
      const second = await stage.another("ingest");
      await second.says(/Ingest runs/);
      await recovered();
      await act("SIGSTOP of an ingest beside another one", () => first.pause());
      await recovered({ except: [first.name] });
      await act("resumed", () => first.resume());
      await recovered();
    },
  },
  {
    numbers: [7],
    title: "a flush takes longer than the session of its consumer",
    async run({ stage, act, recovered, wait, note }) {
      const group = `${stage.prefix}ingest`;
      const [namenode] = stage.servers.namenodes;
      const before = await membersOf(stage.servers, group);
      await act("SIGSTOP of the NameNode", () => namenode!.pause());
      await wait(30);
      const after = await membersOf(stage.servers, group);
      assertEquals(Object.keys(after), Object.keys(before), "the consumer lost its membership");
      note("the consumer kept its membership all the time");
      await act("resumed after 30 s", () => namenode!.resume());
      await recovered();
    },
  },
  {
    numbers: [8],
    title: "two replicas of a job share its partitions",
    async run({ stage, act, recovered, note }) {
      const [ingest, speed] = await act(
        "a second ingest and a second speed",
        () => Promise.all([stage.another("ingest"), stage.another("speed")]),
      );
      await recovered();
      const shares = Object.values(await membersOf(stage.servers, `${stage.prefix}ingest`));
      assertEquals(shares.length, 2);
      assert(shares.every((partitions) => partitions > 0), `partitions by member: ${shares}`);
      note(`partitions of ingest: ${shares.join(" and ")}`);
      await act("both ended", () => Promise.all([ingest.stop(), speed.stop()]));
      await recovered();
    },
  },
  {
    numbers: [11],
    title: "a record is larger than the log takes",
    async run({ stage, act, recovered }) {
      const producer = await stage.log.producer();
      try {
        const value = new Uint8Array(2 << 20).fill(0x20);
        const error = await act(
          "a record of 2 MiB",
          () => producer.send([{ topic: POSTS, key: "large", value }]).catch((error) => error),
        );
        assert(hasCode(error, "too_large"), `the answer was ${error}`);
      } finally {
        await producer.close();
      }
      await recovered();
    },
  },
  {
    numbers: [12],
    title: "poison of every kind is dead-lettered, and its partition moves on",
    async run({ stage, act, recovered, wait, note }) {
      const already = await stage.injected();
      await act(
        "bad JSON, wrong types, no id, tombstones, bad UTF-8, large integers",
        () => wait(20),
      );
      await recovered();
      const details = new Map<string, number>();
      for (const { kind, detail } of (await stage.injected()).slice(already.length)) {
        if (kind === "poison") details.set(detail!, (details.get(detail!) ?? 0) + 1);
      }
      assertEquals(details.size, 6, `kinds of poison: ${[...details.keys()]}`);
      note([...details].map(([detail, count]) => `${count} ${detail}`).join(", "));
    },
  },
  {
    numbers: [13],
    title: "records come again, in reverse, and late by days",
    async run({ stage, act, recovered, note }) {
      const { again, late } = await act(
        "the last records once more in reverse, and as many new ones dated three days back",
        () => produceAgain(stage.log, stage.records.ledger),
      );
      note(`${again} again, ${late} late by days`);
      await act("kill -9 of speed, which folds everything again", () => stage.job("speed").kill());
      await recovered();
    },
  },
  {
    numbers: [9],
    title: "the log has lost what a job has not read",
    last: true,
    async run({ stage, act, note, wait }) {
      const [ingest, speed] = [stage.job("ingest"), stage.job("speed")];
      await ingest.stop();
      await act("ingest stopped, and the log cut beyond it", async () => {
        // Records of some seconds, which only the log has.
        await wait(5);
        await cut(stage);
      });
      for (const job of [ingest, speed]) {
        const from = (await job.output()).length;
        if (job === ingest) await job.start();
        else await job.kill();
        const said = await job.says(/offset_out_of_range/, { from });
        assert(said !== undefined);
      }
      const lines = (await ingest.output()).split("\n");
      note(lines.findLast((line) => line.includes("offset_out_of_range"))?.slice(0, 300) ?? "");
    },
  },
];

/** Records that the log has, as it says itself or, where it does not, as the generator counts. */
async function acknowledged({ stage }: Scene): Promise<number> {
  return await stage.job("generator").metric("generator_records_total", {
    state: "acknowledged",
  }) ?? NaN;
}

/** Makes the log forget all posts up to now. */
async function cut(stage: Stage): Promise<void> {
  const partitions = (await stage.log.ranges(POSTS))
    .map(({ partition, end }) => ({ partition, offset: String(end) }));
  const topic = `${stage.prefix}${POSTS}`;
  await withAdmin(stage.servers, async (admin) => {
    // The client deletes nothing of topics whose leaders it has not learnt yet.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions });
  });
}
