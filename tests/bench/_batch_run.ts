/**
 * One full batch run over the embedded dataset of a folder, into an empty store.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import { type BatchReport, runBatch, startDayPool } from "@pipeline/batch";
import { DEFAULT_SETTINGS, TOPICS } from "@pipeline/core";
import { Speed } from "@pipeline/speed";

const settings = {
  views: DEFAULT_SETTINGS,
  partitions: 3,
  keep: 1_000,
  retention: { minutes: 0, hours: 0, days: 0 },
  catchUpTimeout: 10_000,
  pollInterval: 10,
  lockLease: 60_000,
};

/** The log is empty: speed only says so. */
async function run(folder: string, threads: number): Promise<BatchReport> {
  await Deno.remove(`${folder}/store`, { recursive: true });
  const { log, dataset, store, close } = openEmbedded(folder);
  await log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions: settings.partitions })));
  const speed = Speed.start({
    log,
    store,
    settings: { flushInterval: 50, maxDocuments: 1_000_000, pollInterval: 50 },
  });
  const pool = threads === 1
    ? undefined
    : startDayPool(threads, { embedded: { folder, access: "join" } });
  try {
    const foldDay = pool === undefined ? {} : { foldDay: pool.fold.bind(pool) };
    return await runBatch({ dataset, store, settings, full: true, ...foldDay });
  } finally {
    pool?.close();
    await speed.stop();
    await close();
  }
}

const [folder, threads] = Deno.args;
console.log(JSON.stringify(await run(folder!, Number(threads))));
