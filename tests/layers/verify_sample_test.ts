/** A verification of a sample: what it finds, what it reads, and how it ends. */

import { type LedgerEntry, runBatch, verify, type VerifyReport } from "@pipeline/batch";
import {
  DAY,
  documentId,
  encodeRecord,
  type Entity,
  hashText,
  type ServingStore,
  type StoredDocument,
  type ViewDocument,
} from "@pipeline/core";
import { readFolded, readOutcomes } from "@pipeline/protocol";
import { createLogger, systemClock, TestClock } from "@pipeline/runtime";
import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { runVerify, VERIFIED, type VerifyRequest } from "../../jobs/batch/pipeline.ts";
import { eventually } from "../support/eventually.ts";
import { broken, type Change, hourOf, tampered } from "./_verified.ts";
import { HOUR, post, SETTINGS, START, World } from "./_world.ts";

/** The records of an hour as an archive has them: some were retrieved hours or weeks later. */
function archivedHourOf(n: number): Entity[] {
  return hourOf(n).map((record, i) =>
    i % 3 === 0 ? record : { ...record, retrieved_utc: record.timestamp + (i % 9) * 5 * HOUR }
  );
}

/** A world that serves so many hours, and has folded some more. */
async function served(
  hours: number,
  more: Partial<typeof SETTINGS> = {},
  recordsOf = hourOf,
): Promise<World> {
  const world = new World();
  const all = Array.from({ length: hours }, (_, n) => recordsOf(n)).flat();
  await world.withSpeed(async () => {
    await world.commit(all);
    await runBatch({ ...world.ports, settings: { ...SETTINGS, ...more } });
    await world.commit(hourOf(hours));
    await untilFolded(world, hours);
  });
  return world;
}

/** Waits until speed has folded what was committed last. */
async function untilFolded(world: World, hours: number): Promise<void> {
  const { store } = world.ports;
  const end = (hours + 1) * 21;
  await eventually(async () => {
    const folded = await readFolded(store, await store.current() ?? 0);
    const ends = folded.map(({ next_offset }) => next_offset);
    assert(ends.some((folded) => folded >= end), `Speed folded up to ${ends}, not ${end}`);
  });
}

const LARGE = 400;
const large = await served(LARGE);
const sample = { keys: 60 };

async function check(world: World, change?: Change, more = {}): Promise<VerifyReport> {
  const { store } = tampered(world.ports.store, change);
  return await verify({ ...world.ports, store, sample, ...more });
}

Deno.test("verify() of a sample finds nothing where nothing is wrong, whatever it chooses", async () => {
  const worlds = [
    large,
    await served(60, { keep: 5 }),
    await served(60, { retention: { minutes: 6 * HOUR, hours: 12 * HOUR, days: DAY } }),
    await served(3),
    await served(60, {}, archivedHourOf),
  ];
  for (const world of worlds) {
    for (const keys of [1, 5, 60]) {
      for (let seed = 0; seed < 8; seed++) {
        const report = await check(world, undefined, { sample: { keys, seed } });
        assertEquals(report.first, [], `${keys} keys, seed ${seed}`);
        assert(report.exact && report.speed_documents > 0 && report.batch_documents > 0);
      }
    }
  }
});

Deno.test("verify() of a sample reads as much of ten times the data", async () => {
  const small = await served(LARGE / 10);
  for (const seed of [1, 2, 3]) {
    const more = { sample: { keys: 10, seed } };
    const [few, many] = [await check(small, undefined, more), await check(large, undefined, more)];
    assertGreater(many.sample!.batch.of_records, 9 * few.sample!.batch.of_records);
    const read = ({ read }: VerifyReport) => read.dataset_records + read.log_records;
    assertLess(Math.abs(read(many) - read(few)), read(few) / 10);
    assertLess(read(many), 10 * 200 + 2 * 50);
    assertGreater(many.sample!.batch.documents, 10);
  }
});

Deno.test("verify() of a sample reads single files where no hour is within its budget", async () => {
  const dense = new World();
  await dense.withSpeed(async () => {
    for (let n = 0; n < 40; n++) {
      const records = Array.from({ length: 20 }, (_, i) => post(`p${n}-${i}`, START + i));
      await dense.commit(records);
    }
    await runBatch({ ...dense.ports, settings: SETTINGS });
  });
  const one = { sample: { keys: 4 } };
  const report = await check(dense, undefined, one);
  const { hours, of_hours, bounded } = report.sample!.batch;
  assertEquals([report.exact, hours, of_hours], [true, 0, 1]);
  assertGreater(bounded, 0);
  assertLess(report.read.dataset_records, 4 * 200);
  // What is too small for what was read is found; a count that is merely too great is not.
  const less: Change = (document) =>
    document.body.type === "activity"
      ? { ...document, body: { ...document.body, posts: 10 } }
      : document;
  assert(!(await check(dense, less, one)).exact);
});

for (const layer of ["batch", "speed"] as const) {
  for (const type of ["post", "subreddit", "activity", "user_window", "user_total"] as const) {
    const isIt = ({ part, type: found }: ViewDocument) =>
      found === type && (part === "batch") === (layer === "batch");

    Deno.test(`verify() of a sample finds ${type} documents of ${layer} that are wrong`, async () => {
      const report = await check(
        large,
        (document) => isIt(document.body) ? { ...document, body: broken(document.body) } : document,
      );
      assert(!report.exact);
      assert(report.first.every((found) => found.check === layer));
    });

    Deno.test(`verify() of a sample finds a missing ${type} document of ${layer} in it`, async () => {
      const { store, asked } = tampered(large.ports.store);
      await verify({ ...large.ports, store, sample });
      const inSample = ({ body }: StoredDocument) => isIt(body) && asked.has(documentId(body));
      const report = await check(large, (found) => inSample(found) ? undefined : found);
      assert(!report.exact, "nothing was found");
      assert(report.first.every((found) => found.found === undefined || layer === "batch"));
    });
  }
}

Deno.test("verify() of a sample finds documents that no record made", async () => {
  const { store } = large.ports;
  const [known] = (await store.search(1, "subreddit_activity", {
    type: "activity",
    window: "1h",
    layer: "batch",
    order: "latest",
    limit: 1,
  })).documents;
  assert(known?.body.type === "activity");
  const body = { ...known.body, subreddit: "nobody" };
  const made = { id: documentId(body), version: 1, body };
  const search: ServingStore["search"] = async (generation, view, query) => {
    const page = await store.search(generation, view, query);
    const hers = page.documents.some(({ body }) =>
      body.type === "activity" && body.window === "1h" &&
      body.window_start === made.body.window_start
    );
    return hers ? { ...page, documents: [...page.documents, made] } : page;
  };
  const other = new Proxy(store, {
    get: (target, name: keyof ServingStore) =>
      name === "search" ? search : target[name].bind(target),
  });
  const { first } = await verify({ ...large.ports, store: other, sample });
  assertEquals(first.map(({ expected, found }) => [expected, found]), [[undefined, body]]);
});

Deno.test("verify() of a sample refuses merged values", async () => {
  await assertRejects(
    () => verify({ ...large.ports, sample, merged: true }),
    Error,
    "--merged and --sample exclude one another",
  );
});

Deno.test("verify() ends when its time is over, and reports what it was doing", async () => {
  const clock = new TestClock();
  for (const request of [{}, { sample }]) {
    const hanging = Promise.withResolvers<void>();
    const { ports: { dataset } } = large;
    const list = async (path: string) => {
      hanging.resolve();
      await new Promise(() => {});
      return await dataset.list(path);
    };
    const slow = new Proxy(dataset, {
      get: (target, name: keyof typeof dataset) =>
        name === "list" ? list : (target[name] as () => unknown).bind(target),
    });
    const verified = verify({ ...large.ports, dataset: slow, within: 1_000, clock, ...request });
    await hanging.promise;
    await clock.advance(1_000);
    const { exact, unfinished, differences, read } = await verified;
    assertEquals([exact, differences], [false, 0]);
    assert(unfinished?.includes("dataset"), unfinished);
    assertGreater(read.log_records, 0);
  }
});

Deno.test("verify() of a sample reads of a ledger's commits those alone that hold its records", async () => {
  const world = new World();
  const sent: Entity[] = [];
  await world.withSpeed(async () => {
    for (let n = 0; n < 20; n++) {
      const record = post(`p${n}`, START + n * HOUR);
      sent.push(record);
      await world.commit([
        record,
        ...Array.from({ length: 9 }, (_, i) => post(`x${n}-${i}`, START)),
      ]);
    }
    await runBatch({ ...world.ports, settings: SETTINGS });
  });
  const entry = (n: number, hash = hashText(encodeRecord(sent[n]!))) => ({
    topic: "reddit.posts",
    partition: 0,
    offset: n * 10,
    id: `p${n}`,
    hash,
  });
  const ledgerOf = async function* (...entries: LedgerEntry[]) {
    yield* entries;
  };
  const read = async (ledger?: AsyncIterable<LedgerEntry>) =>
    await verify({ ...world.ports, sample: { keys: 1 }, ...(ledger && { ledger }) });
  const without = (await read()).read.dataset_records;
  const right = await read(ledgerOf(entry(3), entry(11)));
  assertEquals(right.ledger, {
    acknowledged: 2,
    dead_letters: 0,
    beyond: 0,
    others: 198,
    differences: 0,
  });
  assertEquals(right.read.dataset_records - without, 20);
  const wrong = await read(ledgerOf(entry(3), entry(11, "0".repeat(16))));
  assertEquals(wrong.first.map(({ what }) => what), ["reddit.posts-0@110 p11"]);
});

/** What `batch verify` ends with, prints, and keeps. */
async function command(request: VerifyRequest, change?: Change, more = {}) {
  const lines: string[] = [];
  const clock = systemClock;
  const print = (line: string) => void lines.push(line);
  const job = { clock, logger: createLogger({ sink: print, clock }), print };
  const { store } = tampered(large.ports.store, change);
  const ports = { ...large.ports, store, ...more };
  await store.removeControls(["outcome/verified"]);
  const code = await runVerify(ports, job as unknown as Parameters<typeof runVerify>[1], request);
  return { code, text: lines.join("\n"), kept: (await readOutcomes(store)).verified?.differences };
}

Deno.test("batch verify ends with 0, 1 or 4, and keeps that nothing differs only of a whole verification", async () => {
  const wrong: Change = (document) => ({ ...document, body: broken(document.body) });
  const exact = await command({ sample: 20, seed: 3 });
  assertEquals([exact.code, exact.kept], [VERIFIED.exact, undefined]);
  const { sample } = JSON.parse(exact.text);
  assertEquals([sample.keys, sample.seed], [20, 3]);
  assert(sample.proves.length > 0 && sample.leaves.includes("documents beyond the sample"));
  const found = await command({ sample: 20 }, wrong);
  assertEquals([found.code, found.kept! > 0], [VERIFIED.different, true]);
  assertEquals([(await command({})).code, (await command({})).kept], [VERIFIED.exact, 0]);
  const { dataset } = large.ports;
  const list = () => new Promise<never>(() => {});
  const hanging = new Proxy(dataset, {
    get: (target, name: keyof typeof dataset) =>
      name === "list" ? list : (target[name] as () => unknown).bind(target),
  });
  const late = await command({ within: 200 }, undefined, { dataset: hanging });
  assertEquals([late.code, late.kept], [VERIFIED.unfinished, undefined]);
  assert(
    /Time was up after 200 ms, while recomputing .* was not verified/.test(late.text),
    late.text,
  );
  await assertRejects(() => command({ seed: 1 }), Error, "--seed 1 chooses a sample");
});
