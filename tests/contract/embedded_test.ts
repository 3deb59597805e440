import { EmbeddedDataset, EmbeddedLog, EmbeddedStore } from "@pipeline/adapters/embedded";
import { eventLogSuite } from "./event_log_suite.ts";
import { masterDatasetSuite } from "./master_dataset_suite.ts";
import { servingStoreSuite } from "./serving_store_suite.ts";

for (const durability of ["process", "machine"] as const) {
  masterDatasetSuite(`embedded, ${durability}`, async () => {
    const root = await Deno.makeTempDir();
    const dataset = new EmbeddedDataset(root, { durability });
    return {
      port: dataset,
      folder: "",
      cleanup: async () => {
        await dataset.close();
        await Deno.remove(root, { recursive: true });
      },
    };
  });
}

for (const durability of ["process", "machine"] as const) {
  eventLogSuite(`embedded, ${durability}`, async () => {
    const root = await Deno.makeTempDir();
    // Small segments, so that the tests cross from one to the next.
    const open = () => new EmbeddedLog(root, { durability, segmentBytes: 10_000 });
    let log = open();
    return {
      port: log,
      truncate: (topic, partition, earliest) =>
        Promise.resolve(log.truncate(topic, partition, earliest)),
      reopen: async () => {
        await log.close();
        return log = open();
      },
      cleanup: async () => {
        await log.close();
        await Deno.remove(root, { recursive: true });
      },
    };
  }, { maxRecordBytes: 1_048_576, groups: true, truncation: true, durable: true });
}

for (const durability of ["process", "machine"] as const) {
  servingStoreSuite(`embedded, ${durability}`, async () => {
    const root = await Deno.makeTempDir();
    const store = new EmbeddedStore(root, { durability });
    return {
      port: store,
      cleanup: async () => {
        await store.close();
        await Deno.remove(root, { recursive: true });
      },
    };
  });
}
