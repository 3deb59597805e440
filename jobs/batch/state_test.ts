import { type MemoryDataset, openMemory } from "@pipeline/adapters/testing";
import {
  BATCH_PART,
  canonicalJson,
  DAY,
  DEFAULT_SETTINGS,
  definitionHash,
  offsetVector,
  PipelineError,
  storeSettings,
  ViewState,
} from "@pipeline/core";
import { TEMPORARY } from "@pipeline/protocol";
import { assertEquals, assertRejects } from "@std/assert";
import {
  type DayState,
  readSection,
  readState,
  restoreDay,
  type StateManifest,
  storedGenerations,
  sweepStates,
  writeDay,
  writeState,
} from "./state.ts";
import { comment, post, START } from "./testing/dataset.ts";

/** A day with a post and two comments, one of which has no subreddit. */
function folded(): ViewState {
  const state = new ViewState(DEFAULT_SETTINGS);
  state.add(post("p1", START));
  state.add(comment("c1", START + 1, { subreddit: "sub" }));
  state.add(comment("c2", START + 2));
  return state;
}

const contents = (state: ViewState) => ({
  documents: [...state.documents(BATCH_PART)].map((document) => canonicalJson(document)).sort(),
  announcements: [...state.announcements()].map((one) => canonicalJson(one)).sort(),
  unresolved: state.counts.unresolved,
});

async function stored(dataset: MemoryDataset, generation: number, folder: string) {
  const day = await writeDay(dataset, folder, START, folded(), 3);
  const manifest = manifestOf(generation, [day]);
  await writeState(dataset, manifest);
  return manifest;
}

function manifestOf(generation: number, days: readonly DayState[]): StateManifest {
  return {
    generation,
    horizon: offsetVector(1, () => 0),
    history: [],
    definition: definitionHash(DEFAULT_SETTINGS),
    settings: storeSettings(DEFAULT_SETTINGS),
    days,
  };
}

const names = async (dataset: MemoryDataset, path: string) =>
  (await dataset.list(path)).map(({ name }) => name);

Deno.test("restoreDay() takes a day up as it was stored, so that folding can go on", async () => {
  const { dataset } = openMemory();
  const day = await writeDay(dataset, "000001-a", START, folded(), 3);
  assertEquals([day.records, day.unresolved, day.latest], [3, 1, START + 2]);
  const restored = await restoreDay(dataset, day, DEFAULT_SETTINGS);
  const expected = folded();
  assertEquals(contents(restored), contents(expected));
  for (const state of [restored, expected]) state.add(comment("c2", START + 2));
  assertEquals(contents(restored), contents(expected), "what was announced is known");
});

Deno.test("writeDay() stores a day of which nothing is kept, too", async () => {
  const { dataset } = openMemory();
  const day = await writeDay(dataset, "000001-a", START, new ViewState(DEFAULT_SETTINGS), 0);
  assertEquals(day.latest, -1);
  const restored = await restoreDay(dataset, day, DEFAULT_SETTINGS);
  assertEquals(contents(restored).documents, []);
});

Deno.test("restoreDay() refuses a state that differs from the stored one", async () => {
  const { dataset } = openMemory();
  const day = await writeDay(dataset, "000001-a", START, folded(), 3);
  const counted = { ...day, unresolved: 2 };
  const error = await assertRejects(() => restoreDay(dataset, counted, DEFAULT_SETTINGS));
  assertEquals((error as PipelineError).code, "corrupt");
  dataset.damage(`/data/${day.sections.windows.path}`, (bytes) => bytes.subarray(0, -2));
  await assertRejects(
    () => readSection(dataset, day, "windows"),
    PipelineError,
    "differs from its commit",
  );
});

Deno.test("writeState() can be repeated with the same content, never with another", async () => {
  const { dataset } = openMemory();
  const manifest = await stored(dataset, 1, "000001-a");
  await writeState(dataset, manifest);
  assertEquals(await readState(dataset, 1), manifest);
  assertEquals(await dataset.list(TEMPORARY), []);
  const other = { ...manifest, history: ["a"] };
  const error = await assertRejects(() => writeState(dataset, other), PipelineError);
  assertEquals(error.code, "exists");
  assertEquals(await readState(dataset, 1), manifest);
});

Deno.test("sweepStates() keeps what the states that are kept refer to, and runs under way", async () => {
  const { dataset } = openMemory();
  const [first] = (await stored(dataset, 1, "000001-a")).days;
  const own = await writeDay(dataset, "000002-b", START + DAY, folded(), 3);
  // The second builds upon a day of the first.
  await writeState(dataset, manifestOf(2, [first!, own]));
  await stored(dataset, 3, "000003-c");
  // A failed run, and one in progress.
  for (const folder of ["000002-x", "000004-d"]) {
    await writeDay(dataset, folder, START, folded(), 3);
  }
  await sweepStates(dataset, [2, 3]);
  assertEquals(await storedGenerations(dataset), [2, 3]);
  assertEquals(await names(dataset, "/data/_state"), [
    "000001-a",
    "000002-b",
    "000003-c",
    "000004-d",
    "manifests",
  ]);
  await sweepStates(dataset, [3]);
  assertEquals(await names(dataset, "/data/_state"), ["000003-c", "000004-d", "manifests"]);
});
