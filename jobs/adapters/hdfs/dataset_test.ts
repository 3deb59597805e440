/** How the dataset verifies transfers with a second call. */

import { assertEquals, assertRejects } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { openHdfs } from "./dataset.ts";

const FILE = new TextEncoder().encode("0123456789");

interface Behaviour {
  /**
   * The bytes of the n-th download from an offset on, and the error with which it then breaks off.
   */
  readonly give?: (
    from: number,
    n: number,
  ) => { readonly bytes: Uint8Array; readonly end?: Promise<void> };
  /** The reported length of the file. */
  readonly length?: number;
}

/** Runs work on a dataset with one file. Its server is NameNode and DataNode in one. */
async function withFile<T>(
  { give = (from) => ({ bytes: FILE.subarray(from) }), length = FILE.length }: Behaviour,
  work: (dataset: ReturnType<typeof openHdfs>, offsets: readonly number[]) => Promise<T>,
): Promise<T> {
  const offsets: number[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      if (url.searchParams.has("noredirect")) {
        url.searchParams.delete("noredirect");
        return Response.json({ Location: url.href });
      }
      if (url.searchParams.get("op") === "GETFILESTATUS") {
        const FileStatus = { pathSuffix: "", type: "FILE", length, modificationTime: 0 };
        return Response.json({ FileStatus });
      }
      if (request.method === "PUT") {
        await request.body?.cancel();
        return new Response(null, { status: 201 });
      }
      const from = Number(url.searchParams.get("offset"));
      offsets.push(from);
      const { bytes, end } = give(from, offsets.length);
      const parts = async function* () {
        yield bytes;
        await end;
      };
      return new Response(ReadableStream.from(parts()));
    },
  );
  const dataset = openHdfs({ namenodes: [`http://127.0.0.1:${server.addr.port}`] });
  try {
    return await work(dataset, offsets);
  } finally {
    await dataset.close();
    await server.shutdown();
  }
}

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return await new Response(ReadableStream.from(chunks)).text();
}

Deno.test("read() resumes where a download broke off", async () => {
  const death = Promise.withResolvers<void>();
  const give = (from: number, n: number) =>
    n === 1 ? { bytes: FILE.subarray(0, 4), end: death.promise } : { bytes: FILE.subarray(from) };
  await withFile({ give }, async (dataset, offsets) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of dataset.read("/a")) {
      chunks.push(chunk);
      death.reject(new Error("The DataNode died"));
    }
    assertEquals(await new Blob(chunks as BlobPart[]).text(), "0123456789");
    assertEquals(offsets, [0, 4]);
  });
});

Deno.test("read() resumes where a download ended early without an error", async () => {
  const give = (from: number) => ({ bytes: FILE.subarray(from, from + 1) });
  await withFile({ give }, async (dataset, offsets) => {
    assertEquals(await text(dataset.read("/a")), "0123456789");
    assertEquals(offsets, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

Deno.test("read() ends as corrupt where the rest of a file never comes", async () => {
  const give = (from: number) => ({ bytes: FILE.subarray(from, 7) });
  await withFile({ give }, async (dataset) => {
    const error = await assertRejects(() => text(dataset.read("/a")), PipelineError);
    assertEquals([error.code, error.message], ["corrupt", "/a ends 3 bytes too early"]);
  });
});

Deno.test("read() gives no byte beyond the length that the file has", async () => {
  const give = () => ({ bytes: new Uint8Array(11) });
  await withFile({ give }, async (dataset) => {
    const error = await assertRejects(() => text(dataset.read("/a")), PipelineError, "longer");
    assertEquals(error.code, "corrupt");
  });
});

Deno.test("write() is unavailable where fewer bytes arrived than were sent", async () => {
  await withFile({ length: 6 }, async (dataset) => {
    assertEquals(await dataset.write("/a", new Uint8Array(6)), 6);
    const error = await assertRejects(() => dataset.write("/a", FILE), PipelineError);
    assertEquals([error.code, error.message], ["unavailable", "/a: 6 of 10 bytes arrived"]);
  });
});

Deno.test("write() fails with what its content failed with", async () => {
  await withFile({}, async (dataset) => {
    const content = async function* () {
      yield await Promise.resolve(FILE);
      throw new RangeError("The disk is gone");
    };
    await assertRejects(() => dataset.write("/a", content()), RangeError, "The disk is gone");
  });
});
