/**
 * Faults of HDFS.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { FaultCase } from "./_case.ts";
import { setSpaceQuota, underReplicated } from "./_cluster.ts";

/** In the order of their numbers. */
export const HDFS_CASES: readonly FaultCase[] = [
  {
    numbers: [16],
    title: "a DataNode is killed in mid-write",
    quick: true,
    async run({ stage, act, recovered }) {
      const [datanode] = stage.servers.datanodes;
      await act("kill -9 of datanode-1 while ingest writes", () => datanode!.kill());
      await recovered();
      await act("started again", () => datanode!.start());
      await recovered();
    },
  },
  {
    numbers: [16],
    title: "a DataNode is killed while batch reads and writes",
    async run({ stage, act, recovered, note }) {
      const [, , datanode] = stage.servers.datanodes;
      const batch = await stage.once("batch", ["run"]);
      await batch.says(/"step":"fold"/, { seconds: 120 });
      await act("kill -9 of datanode-3 while batch builds a generation", () => datanode!.kill());
      const { code } = await batch.ended;
      assertEquals(code, 0, `batch ended with ${code}:\n${await batch.output()}`);
      note(`generation ${await stage.store.current()} was built meanwhile`);
      await recovered();
    },
  },
  {
    numbers: [17],
    title: "the NameNode is killed and started again, in safe mode at first",
    async run({ stage, act, recovered, wait }) {
      const [namenode] = stage.servers.namenodes;
      await act("kill -9 of the NameNode", () => namenode!.kill());
      await wait(10);
      await act("started again after 10 s", () => namenode!.start());
      await recovered();
    },
  },
  {
    numbers: [24],
    title: "the quota of the dataset is used up",
    async run({ stage, act, recovered, wait, note }) {
      await act("a quota of space that allows no block", () => setSpaceQuota(stage, 1));
      await wait(15);
      const ingest = stage.job("ingest");
      const before = await ingest.metric("ingest_records_total");
      await wait(10);
      assertEquals(await ingest.metric("ingest_records_total"), before, "ingest went on");
      const objection = await ingest.objection("/readyz");
      assert(objection !== undefined, "ingest says that it is ready");
      assertEquals(await ingest.objection("/healthz"), undefined);
      note("ingest waits, not ready, live");
      await act("the quota lifted after 25 s", () => setSpaceQuota(stage, -1));
      await recovered();
    },
  },
  {
    numbers: [25],
    title: "one DataNode of three is left out",
    async run({ stage, act, recovered, wait, note }) {
      const [, datanode] = stage.servers.datanodes;
      await act("kill -9 of datanode-2, which stays away", () => datanode!.kill());
      await recovered();
      // Given up by now: what is written has two copies from the start.
      await wait(15);
      await act("a generation built with two DataNodes", () => stage.complete("batch", ["run"]));
      await recovered();
      const blocks = await underReplicated(stage);
      assert(blocks > 0, "the NameNode counts no block that lacks a copy");
      note(`${blocks} blocks lacked a copy by the NameNode's count`);
    },
  },
];
