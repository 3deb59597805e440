import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ErrorCode, PipelineError } from "@pipeline/core";
import { EmbeddedDataset } from "./mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function withDataset(
  body: (dataset: EmbeddedDataset, root: string, outside: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    Deno.mkdirSync(`${folder}/outside`);
    Deno.writeTextFileSync(`${folder}/outside/secret`, "secret");
    const dataset = new EmbeddedDataset(`${folder}/root`);
    await body(dataset, `${folder}/root`, `${folder}/outside`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refused(code: ErrorCode, work: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(work, PipelineError);
  assertEquals(error.code, code, error.message);
}

async function drain(content: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of content) length += chunk.length;
  return length;
}

Deno.test("EmbeddedDataset follows no symbolic link, neither out nor within", () =>
  withDataset(async (dataset, root, outside) => {
    await dataset.write("/inside/file", bytes("x"));
    Deno.symlinkSync(outside, `${root}/out`);
    Deno.symlinkSync(`${outside}/secret`, `${root}/secret`);
    Deno.symlinkSync(`${root}/inside`, `${root}/within`);
    for (const path of ["/out", "/out/secret", "/out/new", "/secret", "/within/file"]) {
      await refused("invalid", () => drain(dataset.read(path)));
      await refused("invalid", () => dataset.status(path));
      await refused("invalid", () => dataset.list(path));
      await refused("invalid", () => dataset.write(path, bytes("y")));
      await refused("invalid", () => dataset.mkdirs(path));
      await refused("invalid", () => dataset.rename(path, "/mine"));
      await refused("invalid", () => dataset.rename("/inside/file", path));
      await refused("invalid", () => dataset.remove(path));
    }
    await refused("invalid", () => dataset.list("/"));
    assertEquals([...Deno.readDirSync(outside)].map((entry) => entry.name), ["secret"]);
    assertEquals(Deno.readTextFileSync(`${outside}/secret`), "secret");
  }));

Deno.test("EmbeddedDataset.remove() of a folder leaves what links in it point to", () =>
  withDataset(async (dataset, root, outside) => {
    await dataset.mkdirs("/folder");
    Deno.symlinkSync(outside, `${root}/folder/out`);
    await dataset.remove("/folder");
    assertEquals(await dataset.status("/folder"), undefined);
    assertEquals(Deno.readTextFileSync(`${outside}/secret`), "secret");
  }));

Deno.test("EmbeddedDataset.read() is corrupt where the file ends too early", () =>
  withDataset(async (dataset, root) => {
    await dataset.write("/large", new Uint8Array(3_000_000));
    await refused("corrupt", async () => {
      for await (const chunk of dataset.read("/large")) {
        assert(chunk.length > 0);
        Deno.truncateSync(`${root}/large`, 1_500_000);
      }
    });
  }));

Deno.test("EmbeddedDataset.write() passes on what its content throws", () =>
  withDataset(async (dataset) => {
    const error = new TypeError("a test's own");
    const content = async function* () {
      yield await Promise.resolve(bytes("a"));
      throw error;
    };
    assertEquals(await assertRejects(() => dataset.write("/a", content())), error);
  }));

Deno.test("EmbeddedDataset keeps its files when it is reopened", () =>
  withDataset(async (dataset, root) => {
    await dataset.write("/a/b", bytes("x"));
    await dataset.close();
    const again = new EmbeddedDataset(root, { readOnly: true });
    assertEquals((await again.list("/a")).map((entry) => entry.name), ["b"]);
    await refused("invalid", () => again.remove("/a"));
  }));
