// A release that runs gets more pods and more records, and goes back: `make test-scalability`.
import { assert, assertEquals } from "@std/assert";
import { CHART, fromEnvironment, setFlags, type Status } from "./_release.ts";
import { scenario } from "./_scenario.ts";

const release = fromEnvironment();
const step = scenario("scalability", release);

/** Jobs that share their work among pods. */
const SCALED = ["ingest", "speed", "serving"] as const;

/** Seconds that each rate is watched. */
const WATCHED = 20;

let revision: string;
let rate: number;

async function upgrade(values: Readonly<Record<string, number | boolean>>): Promise<void> {
  await release.helm("upgrade", release.name, CHART, "--reuse-values", ...setFlags(values));
  await release.up();
}

/** What was served in some seconds: records a second by how far speed has folded, and the greatest lag. */
async function watch(): Promise<{ readonly served: number; readonly lag: number }> {
  const folded = ({ layers }: Status) => layers.speed.records;
  const first = await release.status();
  const begin = performance.now();
  let lag = 0;
  let last = first;
  while (performance.now() - begin < WATCHED * 1_000) {
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    last = await release.status();
    lag = Math.max(lag, last.provenance.lag ?? 0);
  }
  assertEquals(
    last.provenance.generation,
    first.provenance.generation,
    "a generation came between",
  );
  const seconds = (performance.now() - begin) / 1_000;
  return { served: (folded(last) - folded(first)) / seconds, lag };
}

step("records flow before", async () => {
  await release.up();
  await release.flows(120);
  revision = JSON.parse(await release.helm("status", release.name, "--output", "json")).version;
  rate = await release.rate();
  assert(rate > 0, `realtime.rate is ${rate}`);
});

step("jobs share their work among one pod more each", async () => {
  const before: Record<string, number> = {};
  for (const job of SCALED) before[job] = (await release.pods(job)).length;
  const more = Object.fromEntries(SCALED.map((job) => [`${job}.replicas`, before[job]! + 1]));
  // No generation comes between what is measured.
  await upgrade({ ...more, "batch.suspend": true });
  for (const job of SCALED) assertEquals((await release.pods(job)).length, before[job]! + 1);
  await release.flows(120);
});

step("more records a second are served", async () => {
  const rows: string[] = [];
  for (const factor of [1, 3]) {
    if (factor > 1) await upgrade({ "generator.config.realtime.rate": rate * factor });
    await release.flows(120);
    const { served, lag } = await watch();
    rows.push(`| ${rate * factor}/s | ${served.toFixed(0)}/s | ${lag} |`);
    assert(
      served > rate * factor * 0.8,
      `${rate * factor}/s were due, ${served.toFixed(0)}/s served`,
    );
  }
  console.log(["| due | served | most behind |", "| --- | --- | --- |", ...rows].join("\n"));
});

step("it goes back, and answers are exact", async () => {
  await release.helm("rollback", release.name, revision);
  await release.up();
  await release.flows(120);
  await release.verify();
});
