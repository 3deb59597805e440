import { openMemory } from "@pipeline/adapters/testing";
import { eventLogSuite } from "./event_log_suite.ts";
import { masterDatasetSuite } from "./master_dataset_suite.ts";
import { servingStoreSuite } from "./serving_store_suite.ts";

eventLogSuite("memory", () => {
  const { log } = openMemory();
  return Promise.resolve({
    port: log,
    truncate: (topic, partition, earliest) =>
      Promise.resolve(log.truncate(topic, partition, earliest)),
    cleanup: () => log.close(),
  });
}, {
  maxRecordBytes: 1_048_576,
  groups: true,
  truncation: true,
  durable: { without: "memory ends with its process" },
});

masterDatasetSuite("memory", () => {
  const { dataset } = openMemory();
  return Promise.resolve({ port: dataset, folder: "", cleanup: () => dataset.close() });
});

servingStoreSuite("memory", () => {
  const { store } = openMemory();
  return Promise.resolve({ port: store, cleanup: () => store.close() });
});
