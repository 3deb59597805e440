/**
 * What every master dataset must do: HDFS' rules.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { MasterDataset } from "@pipeline/core";
import { assertCode, AWKWARD, bytes, conformanceTest, type Fixture } from "./suite.ts";

/** A dataset under test. */
export interface MasterDatasetFixture extends Fixture<MasterDataset> {
  /** A folder for this test alone, which need not exist. `/` where the dataset is fresh. */
  readonly folder: string;
}

/** The whole of a file. */
export async function readFile(dataset: MasterDataset, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of dataset.read(path)) chunks.push(chunk);
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

async function* inParts(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await Promise.resolve();
    yield bytes(part);
  }
}

/** Registers the tests of the dataset. */
export function masterDatasetSuite(name: string, make: () => Promise<MasterDatasetFixture>): void {
  const register = conformanceTest(`MasterDataset ${name}`, make);
  const test = (
    name: string,
    body: (dataset: MasterDataset, at: (path: string) => string) => Promise<void>,
  ) => register(name, ({ port, folder }) => body(port, (path) => `${folder}${path}`));

  test("write() makes the file and its parents, once", async (dataset, at) => {
    const before = Date.now();
    assertEquals(await dataset.write(at("/a/b/c.json"), bytes("12345")), 5);
    assertEquals(await readFile(dataset, at("/a/b/c.json")), bytes("12345"));
    const status = await dataset.status(at("/a/b/c.json"));
    assertEquals({ ...status, modified: 0 }, {
      name: "c.json",
      type: "file",
      length: 5,
      modified: 0,
    });
    assert(Math.abs(status!.modified - before) < 600_000);
    assertEquals((await dataset.status(at("/a/b")))?.type, "directory");
    assertEquals((await dataset.status(at("/a/b")))?.length, 0);
    await assertCode(() => dataset.write(at("/a/b/c.json"), bytes("other")), "exists");
    await assertCode(() => dataset.write(at("/a/b"), bytes("other")), "exists");
    assertEquals(await readFile(dataset, at("/a/b/c.json")), bytes("12345"));
  });

  test("write() takes nothing, a stream, and much", async (dataset, at) => {
    assertEquals(await dataset.write(at("/empty"), new Uint8Array(0)), 0);
    assertEquals(await readFile(dataset, at("/empty")), new Uint8Array(0));
    assertEquals(await dataset.write(at("/none"), inParts()), 0);
    assertEquals(await dataset.write(at("/stream"), inParts("ab", "", "cde")), 5);
    assertEquals(await readFile(dataset, at("/stream")), bytes("abcde"));
    const large = new Uint8Array(9_000_001).map((_, i) => i * 31 >>> 3);
    assertEquals(await dataset.write(at("/large"), large), large.length);
    const read = await readFile(dataset, at("/large"));
    assert(read.length === large.length && read.every((byte, i) => byte === large[i]));
  });

  test(
    "write() that fails leaves at most a part, and the name taken or free",
    async (dataset, at) => {
      const broken = async function* () {
        yield* inParts("ab");
        throw new TypeError("a test's own");
      };
      let failed = false;
      await dataset.write(at("/broken"), broken()).catch(() => failed = true);
      assert(failed);
      const left = await dataset.status(at("/broken"));
      if (left !== undefined) {
        assert(left.length <= 2);
        await dataset.remove(at("/broken"));
      }
      assertEquals(await dataset.write(at("/broken"), bytes("whole")), 5);
      assertEquals(await readFile(dataset, at("/broken")), bytes("whole"));
    },
  );

  test("write() of one path by two: one wins", async (dataset, at) => {
    const writers = ["one", "two", "six"].map((text) => dataset.write(at("/x"), bytes(text)));
    const results = await Promise.allSettled(writers);
    assertEquals(results.filter((result) => result.status === "fulfilled").length, 1);
    const winner = results.findIndex((result) => result.status === "fulfilled");
    assertEquals(await readFile(dataset, at("/x")), bytes(["one", "two", "six"][winner]!));
  });

  test("below a file there is nothing", async (dataset, at) => {
    await dataset.write(at("/file"), bytes("x"));
    await assertCode(() => dataset.write(at("/file/below"), bytes("y")), "invalid");
    await assertCode(() => dataset.mkdirs(at("/file/below")), "invalid");
    assertEquals(await dataset.status(at("/file/below")), undefined);
  });

  test("read() of what is no file is not_found", async (dataset, at) => {
    await dataset.mkdirs(at("/folder"));
    await assertCode(() => readFile(dataset, at("/missing")), "not_found");
    await assertCode(() => readFile(dataset, at("/no/such/parent")), "not_found");
    await assertCode(() => readFile(dataset, at("/folder")), "not_found");
  });

  test("copies() counts those of a file", async (dataset, at) => {
    await dataset.write(at("/file"), bytes("x"));
    assert(await dataset.copies(at("/file")) >= 1);
    await dataset.mkdirs(at("/folder"));
    await assertCode(() => dataset.copies(at("/folder")), "not_found");
    await assertCode(() => dataset.copies(at("/missing")), "not_found");
  });

  test("read() may be given up early", async (dataset, at) => {
    await dataset.write(at("/large"), new Uint8Array(5_000_000));
    for await (const chunk of dataset.read(at("/large"))) {
      assert(chunk.length > 0);
      break;
    }
    await dataset.remove(at("/large"));
  });

  test("list() is in the order of names, by UTF-8 bytes", async (dataset, at) => {
    assertEquals(await dataset.list(at("/missing")), []);
    const names = ["b", "B", "a10", "a2", "_c", ".hidden", "ü", "\u{ffee}", "🎈"];
    for (const name of names) await dataset.write(at(`/list/${name}`), bytes(name));
    await dataset.mkdirs(at("/list/c"));
    const listed = await dataset.list(at("/list"));
    assertEquals(
      listed.map((entry) => entry.name),
      [".hidden", "B", "_c", "a10", "a2", "b", "c", "ü", "\u{ffee}", "🎈"],
    );
    assertEquals(listed.find((entry) => entry.name === "🎈")?.length, 4);
    assertEquals(listed.find((entry) => entry.name === "c")?.type, "directory");
    await dataset.mkdirs(at("/nothing"));
    assertEquals(await dataset.list(at("/nothing")), []);
    await assertCode(() => dataset.list(at("/list/b")), "invalid");
  });

  test("list() is whole for a large folder", async (dataset, at) => {
    const names = [...Array(300).keys()].map((i) => `file-${String(i).padStart(5, "0")}`);
    await Promise.all(names.map((name) => dataset.write(at(`/many/${name}`), bytes(name))));
    assertEquals((await dataset.list(at("/many"))).map((entry) => entry.name), names);
  });

  test("takes awkward names", async (dataset, at) => {
    for (const name of AWKWARD) {
      const path = at(`/${name}/${name}`);
      await dataset.write(path, bytes(name));
      assertEquals((await dataset.status(path))?.name, name);
      assertEquals((await dataset.list(at(`/${name}`))).map((entry) => entry.name), [name]);
      await dataset.rename(path, at(`/${name}/renamed`));
      assertEquals(await readFile(dataset, at(`/${name}/renamed`)), bytes(name));
      await dataset.remove(at(`/${name}`));
      assertEquals(await dataset.status(path), undefined);
    }
  });

  test("refuses paths that are none, or lead out", async (dataset, at) => {
    const bad = ["", "x", "../x", ...["/../x", "/a/../x", "/./x", "//x", "/x/", "/a:b"].map(at)];
    for (const path of [...bad, at("/a\0b"), at(`/${"x".repeat(256)}`), at("/\ud800")]) {
      await assertCode(() => dataset.write(path, bytes("x")), "invalid");
      await assertCode(() => readFile(dataset, path), "invalid");
      await assertCode(() => dataset.status(path), "invalid");
      await assertCode(() => dataset.list(path), "invalid");
      await assertCode(() => dataset.mkdirs(path), "invalid");
      await assertCode(() => dataset.rename(path, at("/y")), "invalid");
      await assertCode(() => dataset.rename(at("/y"), path), "invalid");
      await assertCode(() => dataset.remove(path), "invalid");
    }
  });

  test("mkdirs() makes all parents, and again", async (dataset, at) => {
    await dataset.mkdirs(at("/a/b/c"));
    await dataset.mkdirs(at("/a/b/c"));
    assertEquals((await dataset.status(at("/a/b/c")))?.type, "directory");
    assertEquals((await dataset.status(at("/a/b/c")))?.name, "c");
    await dataset.write(at("/a/file"), bytes("x"));
    await assertCode(() => dataset.mkdirs(at("/a/file")), "invalid", "exists");
  });

  test("rename() moves files and folders", async (dataset, at) => {
    await dataset.write(at("/tmp/a"), bytes("a"));
    await dataset.mkdirs(at("/data"));
    await dataset.rename(at("/tmp/a"), at("/data/b"));
    assertEquals(await dataset.status(at("/tmp/a")), undefined);
    assertEquals(await readFile(dataset, at("/data/b")), bytes("a"));
    await dataset.rename(at("/data"), at("/moved"));
    assertEquals(await readFile(dataset, at("/moved/b")), bytes("a"));
    assertEquals(await dataset.list(at("/data")), []);
  });

  test("rename() never overwrites a file", async (dataset, at) => {
    await dataset.write(at("/a"), bytes("a"));
    await dataset.write(at("/b"), bytes("b"));
    await dataset.mkdirs(at("/folder"));
    await assertCode(() => dataset.rename(at("/a"), at("/b")), "exists");
    await assertCode(() => dataset.rename(at("/a"), at("/a")), "exists");
    await assertCode(() => dataset.rename(at("/folder"), at("/b")), "exists");
    assertEquals(await readFile(dataset, at("/a")), bytes("a"));
    assertEquals(await readFile(dataset, at("/b")), bytes("b"));
    assertEquals((await dataset.status(at("/folder")))?.type, "directory");
  });

  test("rename() onto a folder neither moves into it nor replaces it", async (dataset, at) => {
    await dataset.write(at("/a"), bytes("a"));
    await dataset.mkdirs(at("/from"));
    await dataset.mkdirs(at("/empty"));
    await assertCode(() => dataset.rename(at("/a"), at("/empty")), "exists");
    await assertCode(() => dataset.rename(at("/from"), at("/empty")), "exists");
    assertEquals(await dataset.list(at("/empty")), []);
    assertEquals(await readFile(dataset, at("/a")), bytes("a"));
    assertEquals((await dataset.status(at("/from")))?.type, "directory");
  });

  test("rename() needs its source and the destination's parent", async (dataset, at) => {
    await dataset.write(at("/a"), bytes("a"));
    await assertCode(() => dataset.rename(at("/missing"), at("/b")), "not_found");
    await assertCode(() => dataset.rename(at("/a"), at("/no/parent")), "not_found");
    await assertCode(() => dataset.rename(at("/a"), at("/a/below")), "invalid");
    await dataset.mkdirs(at("/folder"));
    await assertCode(() => dataset.rename(at("/folder"), at("/folder/below")), "invalid");
    assertEquals(await dataset.status(at("/no")), undefined);
    assertEquals(await readFile(dataset, at("/a")), bytes("a"));
  });

  test("rename() of several to one path: one wins, the others keep theirs", async (dataset, at) => {
    const sources = [...Array(8).keys()].map((i) => at(`/from-${i}`));
    for (const source of sources) await dataset.write(source, bytes(source));
    await dataset.mkdirs(at("/to"));
    const results = await Promise.allSettled(
      sources.map((source) => dataset.rename(source, at("/to/commit"))),
    );
    assertEquals(results.filter((result) => result.status === "fulfilled").length, 1);
    const winner = results.findIndex((result) => result.status === "fulfilled");
    assertEquals(await readFile(dataset, at("/to/commit")), bytes(sources[winner]!));
    for (const [i, source] of sources.entries()) {
      assertEquals((await dataset.status(source)) === undefined, i === winner);
    }
  });

  test("remove() takes a folder with all in it, and nothing too", async (dataset, at) => {
    await dataset.write(at("/a/b/c"), bytes("c"));
    await dataset.write(at("/a/d"), bytes("d"));
    await dataset.remove(at("/a/d"));
    assertEquals((await dataset.list(at("/a"))).map((entry) => entry.name), ["b"]);
    await dataset.remove(at("/a"));
    assertEquals(await dataset.status(at("/a")), undefined);
    await dataset.remove(at("/a"));
    await dataset.remove(at("/no/parent"));
    await dataset.write(at("/a"), bytes("again"));
  });

  test("close() ends it", async (dataset, at) => {
    await dataset.close();
    await assertCode(() => dataset.status(at("/a")), "stopped");
    await assertCode(() => dataset.write(at("/a"), bytes("a")), "stopped");
  });
}
