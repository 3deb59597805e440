import { faulty, type MemoryDataset, openMemory, type Step } from "@pipeline/adapters/testing";
import { hasCode, type MasterDataset, PipelineError } from "@pipeline/core";
import { CommitLog, readLines, STAGING } from "@pipeline/protocol";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { bootstrap, type StagedLoad } from "./bootstrap.ts";

const LOAD = "archive-1";
const HOURS = [
  "posts/year=2026/month=01/day=31/hour=07",
  "users/year=2026/month=01/day=31/hour=08",
];

async function digest(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)).toHex();
}

/** Stages a load with one line per file, as the generator does, with its manifest last. */
async function stage(
  dataset: MasterDataset,
  { folders = HOURS, rejected }: { folders?: readonly string[]; rejected?: string } = {},
): Promise<void> {
  const root = `${STAGING}/${LOAD}`;
  const files: StagedLoad["files"][number][] = [];
  for (const folder of folders) {
    const bytes = new TextEncoder().encode(`{"in":"${folder}"}\n`);
    const path = `${folder}/data_0.json`;
    await dataset.write(`${root}/${path}`, bytes);
    files.push({ path, records: 1, bytes: bytes.length, sha256: await digest(bytes) });
  }
  if (rejected !== undefined) {
    await dataset.write(`${root}/${rejected}`, new TextEncoder().encode("no JSON\n"));
  }
  const manifest: StagedLoad = {
    load: LOAD,
    files,
    ...(rejected === undefined ? {} : { rejected: { files: [rejected] } }),
  };
  await dataset.write(`${root}/_manifest.json`, new TextEncoder().encode(JSON.stringify(manifest)));
}

const lines = async (dataset: MemoryDataset) => {
  const commit = await new CommitLog(dataset).history(LOAD);
  return (await Promise.all((commit?.files ?? []).map((file) => readLines(dataset, file)))).flat();
};

Deno.test("bootstrap() commits all files of a load under names of their own, and nothing twice", async () => {
  const { dataset } = openMemory();
  await stage(dataset, { rejected: "_rejected/bad.jsonl" });
  const told: string[] = [];
  const { commit, added } = await bootstrap(dataset, LOAD, {
    onProgress: (done, total) => told.push(`${done}/${total}`),
  });
  assertEquals([added, commit.records, told], [true, 2, ["1/2", "2/2"]]);
  assertEquals(commit.files[0]?.path, `${HOURS[0]}/data_archive-1_0.json`);
  assertEquals(await lines(dataset), HOURS.map((folder) => `{"in":"${folder}"}`));
  assertEquals(await dataset.list(STAGING), []);
  const kept = await dataset.list(`/data/_rejected/${LOAD}`);
  assertEquals(kept.map(({ name }) => name), ["bad.jsonl"]);

  await stage(dataset);
  const again = await bootstrap(dataset, LOAD);
  assertEquals([again.added, again.commit], [false, commit]);
  assertEquals(await dataset.list(STAGING), [], "what was staged again is not wanted");
});

Deno.test("bootstrap() commits nothing of a load with a file that differs from its manifest", async () => {
  const { dataset } = openMemory();
  await stage(dataset);
  dataset.damage(`${STAGING}/${LOAD}/${HOURS[1]}/data_0.json`, (bytes) => bytes.map((b) => b ^ 1));
  const error = await assertRejects(
    () => bootstrap(dataset, LOAD),
    PipelineError,
    "hour=08/data_0",
  );
  assertEquals(error.code, "corrupt");
  assertEquals(await new CommitLog(dataset).histories(), []);
});

Deno.test("bootstrap() commits a load that is restaged after one of its files was damaged", async () => {
  const { dataset } = openMemory();
  await stage(dataset);
  dataset.damage(`${STAGING}/${LOAD}/${HOURS[1]}/data_0.json`, (bytes) => bytes.subarray(1));
  await assertRejects(
    () => bootstrap(dataset, LOAD),
    PipelineError,
    "differs from what was staged",
  );
  await dataset.remove(`${STAGING}/${LOAD}`);
  await stage(dataset);
  assertEquals((await bootstrap(dataset, LOAD)).added, true);
  assertEquals((await lines(dataset)).length, 2);
});

Deno.test("bootstrap() takes no file for moved that stands at its place with another content", async () => {
  const { dataset } = openMemory();
  await stage(dataset);
  await dataset.write(`/data/${HOURS[0]}/data_${LOAD}_0.json`, new Uint8Array(3));
  await assertRejects(
    () => bootstrap(dataset, LOAD),
    PipelineError,
    "differs from what was staged",
  );
  assertEquals(await new CommitLog(dataset).histories(), []);
});

Deno.test("bootstrap() refuses a file in no hour, and a missing load", async () => {
  const { dataset } = openMemory();
  await stage(dataset, { folders: ["posts/year=2026"] });
  const error = await assertRejects(() => bootstrap(dataset, LOAD), PipelineError, "in no hour");
  assertEquals(error.code, "corrupt");
  const missing = await assertRejects(() => bootstrap(dataset, "other"), PipelineError);
  assertEquals(missing.code, "not_found");
});

Deno.test("bootstrap() can be repeated if any one step failed, or its answer was lost", async () => {
  const steps: string[] = [];
  const outcome = async (failing: number) => {
    const { dataset } = openMemory();
    await stage(dataset, { rejected: "_rejected/bad.jsonl" });
    let n = 0;
    const step: Step = (name, phase) => {
      if (failing < 0) steps.push(`${phase} ${name}`);
      return n++ === failing
        ? Promise.reject(new PipelineError("unavailable", "The dataset is away"))
        : Promise.resolve();
    };
    const ports = faulty({ ...openMemory(), dataset }, { step });
    await bootstrap(ports.dataset, LOAD).catch((error) => {
      assert(hasCode(error, "unavailable"), String(error));
      return bootstrap(ports.dataset, LOAD);
    });
    return {
      lines: await lines(dataset),
      loads: (await new CommitLog(dataset).histories()).length,
      staged: await dataset.list(STAGING),
      rejected: (await dataset.list(`/data/_rejected/${LOAD}`)).length,
    };
  };
  const whole = await outcome(-1);
  assertEquals([whole.lines.length, whole.loads, whole.rejected], [2, 1, 1]);
  assert(steps.length > 30, `${steps.length} steps`);
  for (const [n, what] of steps.entries()) assertEquals(await outcome(n), whole, what);
});

Deno.test("bootstrap() accepts a commit that another writer made meanwhile", async () => {
  const { dataset } = openMemory();
  await stage(dataset);
  let first = true;
  const { dataset: slow } = faulty({ ...openMemory(), dataset }, {
    step: async (name, phase) => {
      if (!first || phase !== "before" || !/^dataset\.rename .*\/_commits\//.test(name)) return;
      first = false;
      await bootstrap(dataset, LOAD);
    },
  });
  const { added } = await bootstrap(slow, LOAD);
  assertEquals(added, false);
  assertEquals((await lines(dataset)).length, 2);
});
