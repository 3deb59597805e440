import { MemoryDataset } from "@pipeline/adapters/testing";
import { PipelineError } from "@pipeline/core";
import { assertEquals, assertRejects } from "@std/assert";
import { publishOnce, readAll, writeOwn } from "./files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A dataset with a file to publish. */
async function prepared(): Promise<MemoryDataset> {
  const dataset = new MemoryDataset();
  await writeOwn(dataset, "/new", bytes("mine"));
  return dataset;
}

async function textOf(dataset: MemoryDataset, path: string): Promise<string> {
  return new TextDecoder().decode(await readAll(dataset, path));
}

Deno.test("publishOnce() moves the file, and resolves when it is called once more", async () => {
  const dataset = await prepared();
  await publishOnce(dataset, "/new", "/file");
  await publishOnce(dataset, "/new", "/file");
  assertEquals([await textOf(dataset, "/file"), await dataset.status("/new")], ["mine", undefined]);
});

Deno.test("publishOnce() resolves when the answer of the rename is lost", async () => {
  const dataset = await prepared();
  const rename = dataset.rename.bind(dataset);
  dataset.rename = async (from, to) => {
    await rename(from, to);
    throw new PipelineError("unavailable", "The connection was lost");
  };
  await publishOnce(dataset, "/new", "/file");
  assertEquals(await textOf(dataset, "/file"), "mine");
});

Deno.test("publishOnce() rejects with the rename's error when nothing stands there", async () => {
  const dataset = await prepared();
  for (const code of ["unavailable", "not_found", "invalid"] as const) {
    dataset.rename = () => Promise.reject(new PipelineError(code, `refused: ${code}`));
    await assertRejects(() => publishOnce(dataset, "/new", "/file"), PipelineError, code);
  }
});

Deno.test("publishOnce() keeps another writer's file, and rejects when it is not the caller's", async () => {
  const dataset = await prepared();
  await writeOwn(dataset, "/file", bytes("another's"));
  const isOurs = async () => await textOf(dataset, "/file") === "mine";
  await assertRejects(() => publishOnce(dataset, "/new", "/file", isOurs), PipelineError, "/file");
  await publishOnce(dataset, "/new", "/file");
  assertEquals(await textOf(dataset, "/file"), "another's");
});
