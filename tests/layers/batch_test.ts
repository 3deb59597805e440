import { lockBatch, plan, rollBack, runBatch, storedGenerations, verify } from "@pipeline/batch";
import { DAY, type Entity, hasCode } from "@pipeline/core";
import { readAll, readManifest } from "@pipeline/protocol";
import { createLogger, systemClock } from "@pipeline/runtime";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { comment, HOUR, post, SETTINGS, START, World } from "./_world.ts";

/** Records of a step: late ones for old days among them, duplicates, updates, unknown subreddits. */
function step(n: number): Entity[] {
  const at = START + n * DAY + n * HOUR;
  return [
    post(`p${n}`, at, { subreddit: `s${n % 2}`, score: n }),
    post("p0", START, { timestamp: at + 1, score: 100 + n, subreddit: "s0" }),
    comment(`c${n}`, at + 60_000, { post_id: `p${n}`, subreddit: `s${n % 2}` }),
    comment(`u${n}`, at + 61_000, { post_id: `p${n}`, user_id: `u${n % 3}` }),
    comment(`late${n}`, START + 5 * HOUR, { user_id: `u${n}`, subreddit: "s1" }),
    comment("late0", START + 5 * HOUR, { user_id: `u${n}`, subreddit: "s1" }),
    {
      kind: "user",
      user_id: "ann",
      username: "Ann",
      karma: n,
      created_utc: START - DAY,
      timestamp: at,
    },
  ];
}

Deno.test("incremental runs publish byte for byte what a full run does, with and without retention", async () => {
  for (const days of [0, 2]) {
    const settings = {
      ...SETTINGS,
      keep: 2,
      retention: { minutes: days * DAY / 2, hours: days * DAY, days: days * DAY },
    };
    const world = new World();
    await world.withSpeed(async () => {
      for (let n = 0; n < 6; n++) {
        await world.commit(step(n));
        await runBatch({ ...world.ports, settings });
      }
      const incremental = await world.documents(6, "batch");
      const full = await runBatch({ ...world.ports, settings, full: true });
      assertEquals(full.records, 42);
      assertEquals(await world.documents(7, "batch"), incremental);
    });
    const { manifest } = (await readManifest(world.ports.store, 7))!;
    assertEquals(manifest.retained_from["1d"] > START, days > 0);
    const { exact, first } = await verify({ ...world.ports, merged: true });
    assert(exact, JSON.stringify(first));
  }
});

Deno.test("stored documents keep their own spelling of the views' settings", async () => {
  const world = new World();
  await world.withSpeed(async () => {
    await world.commit(step(0));
    await runBatch({ ...world.ports, settings: SETTINGS });
  });
  const { dataset, store } = world.ports;
  const stored = { user_windows: ["1d"], max_future: DAY };
  const manifest = (await store.control("generation/000001"))!.body as { settings: unknown };
  assertEquals(manifest.settings, stored);
  const bytes = await readAll(dataset, "/data/_state/manifests/000001");
  assertEquals(JSON.parse(new TextDecoder().decode(bytes)).settings, stored);
  assertEquals((await readManifest(store, 1))!.manifest.settings, SETTINGS.views);
});

Deno.test("the version that was retrieved last is served, in whatever order and layer it comes", async () => {
  // As archives have it: each announces, and as text the first one comes last.
  const versions = [9, 8, 1].map((score, i) =>
    post("p0", START, { score, retrieved_utc: START + (i + 1) * DAY })
  );
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
    const world = new World();
    await world.withSpeed(async () => {
      for (const at of order.slice(0, 2)) {
        await world.commit([versions[at]!]);
        await runBatch({ ...world.ports, settings: SETTINGS });
      }
      await world.commit([versions[order[2]!]!]);
      await runBatch({ ...world.ports, settings: SETTINGS });
      const incremental = await world.documents(3, "batch");
      await runBatch({ ...world.ports, settings: SETTINGS, full: true });
      assertEquals(await world.documents(4, "batch"), incremental);
      const posts = [...incremental.values()].filter((document) => document.type === "post");
      assertEquals(posts.map((document) => [document.score, document.timestamp]), [
        [1, START + 3 * DAY],
      ]);
    });
  }
});

Deno.test("a run reads only what the one before has not", async () => {
  const world = new World();
  await world.withSpeed(async () => {
    await world.commit(step(0));
    assertEquals((await runBatch({ ...world.ports, settings: SETTINGS })).records, 7);
    await world.commit(step(1));
    assertEquals((await runBatch({ ...world.ports, settings: SETTINGS })).records, 7);
    assertEquals((await runBatch({ ...world.ports, settings: SETTINGS })).records, 0);
  });
  assertEquals(await storedGenerations(world.ports.dataset), [2, 3]);
  assertEquals(await world.ports.store.generations(), [2, 3]);
});

Deno.test("a run of other settings builds upon no state of the old ones", async () => {
  const world = new World();
  await world.withSpeed(async () => {
    await world.commit(step(0));
    await runBatch({ ...world.ports, settings: SETTINGS });
    const views = { ...SETTINGS.views, userWindows: ["1h", "1d"] as const };
    const report = await runBatch({ ...world.ports, settings: { ...SETTINGS, views } });
    assertEquals(report.records, 7);
    const windows = [...await world.documents(2, "batch")].filter(([id]) => id.includes("|1h|"));
    assert(windows.some(([id]) => id.startsWith("user_activity")));
  });
});

Deno.test("a run that speed does not follow fails, and the old generation stays served", async () => {
  const world = new World();
  const settings = { ...SETTINGS, catchUpTimeout: 20 };
  await world.withSpeed(async () => {
    await world.commit(step(0));
    await runBatch({ ...world.ports, settings: SETTINGS });
  });
  const lines: string[] = [];
  const logger = createLogger({ clock: systemClock, sink: (line) => void lines.push(line) });
  const error = await assertRejects(() => runBatch({ ...world.ports, settings, logger }), Error);
  assertStringIncludes(error.message, "Speed did not catch up with generation 2 within");
  assertStringIncludes(error.message, "it has begun with none of its 3 partitions: check whether");
  const [waited] = lines.filter((line) => line.includes("Waiting until speed has folded"));
  assertStringIncludes(waited ?? "", '"behind":');
  assertEquals(await world.ports.store.current(), 1);
  assertEquals((await readManifest(world.ports.store, 2))?.manifest.state, "failed");
  await world.withSpeed(() => runBatch({ ...world.ports, settings: SETTINGS }));
  assertEquals(await world.ports.store.current(), 3);
  assertEquals(await world.ports.store.generations(), [1, 3]);
});

Deno.test("a run beside another one is refused, with the time until which it is", async () => {
  const world = new World();
  const lock = await lockBatch(world.ports.store, "other", {
    lease: 60_000,
    clock: systemClock,
  });
  await assertRejects(
    () => runBatch({ ...world.ports, settings: SETTINGS }),
    Error,
    "Another batch run holds the lock until",
  );
  const lines: string[] = [];
  const logger = createLogger({ clock: systemClock, sink: (line) => void lines.push(line) });
  const patient = { ...SETTINGS, lockWait: 10 };
  const error = await assertRejects(
    () => runBatch({ ...world.ports, settings: patient, logger }),
    Error,
    "and did not end within",
  );
  assertStringIncludes(error.message, "Another batch run holds the lock until");
  assertStringIncludes(lines[0] ?? "", "Waiting for another batch run, which holds the lock");
  await lock.release();
  await world.commit(step(0));
  await world.withSpeed(() => runBatch({ ...world.ports, settings: SETTINGS }));
});

Deno.test("rollBack() makes the generation before serve, exactly, up to now", async () => {
  const world = new World();
  await world.withSpeed(async () => {
    for (const n of [0, 1]) {
      await world.commit(step(n));
      await runBatch({ ...world.ports, settings: SETTINGS });
    }
    await world.commit(step(2));
    await rollBack(1, { ...world.ports, settings: SETTINGS });
    assertEquals(await world.ports.store.current(), 1);
    const error = await assertRejects(() => rollBack(9, { ...world.ports, settings: SETTINGS }));
    assert(hasCode(error, "not_found"));
  });
  const { exact, generation } = await verify({ ...world.ports, merged: true });
  assertEquals({ exact, generation }, { exact: true, generation: 1 });
});

Deno.test("a committed file with another content fails the run", async () => {
  const world = new World();
  await world.commit(step(0));
  const [files] = (await plan(world.ports.dataset, 1)).days.values();
  const { path } = files![0]!.file;
  world.ports.dataset.damage(`/data/${path}`, (bytes) => bytes.map((b) => b === 48 ? 49 : b));
  const error = await assertRejects(() => runBatch({ ...world.ports, settings: SETTINGS }));
  assert(hasCode(error, "corrupt"), String(error));
  assertEquals(await world.ports.store.current(), undefined);
});
