import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { Buffer } from "node:buffer";
import { constants, createZstdCompress, gzipSync, zstdCompressSync } from "node:zlib";
import { Readable } from "node:stream";
import { Random } from "../model/random.ts";
import { openArchive } from "./open.ts";

const LINES = Array.from({ length: 5_000 }, (_, i) => `{"id":"${i.toString(36)}"}\n`).join("");

async function withFile(
  content: Uint8Array,
  test: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "RS_" });
  try {
    await Deno.writeFile(path, content);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

async function read(path: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync(openArchive(path))).toString();
}

function zstd(text: string): Uint8Array {
  return zstdCompressSync(Buffer.from(text));
}

Deno.test("openArchive() distinguishes zstd and plain text by their first bytes", async () => {
  await withFile(zstd(LINES), async (path) => assertEquals(await read(path), LINES));
  await withFile(Buffer.from(LINES), async (path) => assertEquals(await read(path), LINES));
  await withFile(new Uint8Array(0), async (path) => assertEquals(await read(path), ""));
});

Deno.test("openArchive() reads all of several frames", async () => {
  const parts = [LINES.slice(0, 9_999), LINES.slice(9_999, 20_000), LINES.slice(20_000)];
  await withFile(Buffer.concat(parts.map(zstd)), async (path) => {
    assertEquals(await read(path), LINES);
  });
});

Deno.test("openArchive() reads the long windows that the dumps have", async () => {
  const params = {
    [constants.ZSTD_c_windowLog]: 28,
    [constants.ZSTD_c_enableLongDistanceMatching]: 1,
  };
  const compressed = Readable.from([Buffer.from(LINES), Buffer.from(LINES)])
    .pipe(createZstdCompress({ params }));
  const content = Buffer.concat(await Array.fromAsync(compressed as AsyncIterable<Uint8Array>));
  await withFile(content, async (path) => assertEquals(await read(path), LINES + LINES));
});

Deno.test("openArchive() reports that a file is truncated, wherever it is", async () => {
  const whole = Buffer.concat([zstd(LINES.slice(0, 60_000)), zstd(LINES.slice(60_000))]);
  const between = zstd(LINES.slice(0, 60_000)).length;
  for (const end of [6, 100, between - 1, between + 2, between + 50, whole.length - 1]) {
    await withFile(whole.subarray(0, end), async (path) => {
      await assertRejects(() => read(path), PipelineError, `The archive ${path} cannot be read`);
    });
  }
});

/** Bytes that decompress to many blocks, so that a decoder needs many steps. */
function large(seed: number): Uint8Array {
  const random = new Random(seed);
  const line = () => `{"id":"${random.below(1e9).toString(36)}","title":"${"word ".repeat(20)}"}\n`;
  return Buffer.from(Array.from({ length: 6_000 }, line).join(""));
}

const CHECKED = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

Deno.test("openArchive() reports that a file is damaged, whatever its size and wherever it is", async () => {
  const frames = [1, 2, 3].map((seed) => new Uint8Array(zstdCompressSync(large(seed), CHECKED)));
  frames.push(new Uint8Array(zstdCompressSync(Buffer.from(LINES), CHECKED)));
  const damaged = frames.flatMap((_, which) =>
    // The frame's header, its first block, one in its middle, its last, and its checksum.
    [4, 12, 0.5, 0.9, -6, -2].map((place) => {
      const copy = frames.map((frame) => frame.slice());
      const { length } = copy[which]!;
      const at = place < 0 ? length + place : place < 1 ? Math.floor(length * place) : place;
      copy[which]![at]! ^= 0xff;
      return Buffer.concat(copy);
    })
  );
  damaged.push(Buffer.concat([...frames, Buffer.from("garbage")]));
  for (const content of damaged) {
    await withFile(content, async (path) => {
      const error = await assertRejects(() => read(path), PipelineError);
      assertStringIncludes(error.message, `The archive ${path} cannot be read to its end: `);
      assertEquals(error.code, "invalid");
    });
  }
});

Deno.test("openArchive() returns a file's content, or reports that it is damaged, for any damage", async () => {
  const whole = zstdCompressSync(large(4), CHECKED);
  const random = new Random(5);
  for (let run = 0; run < 200; run++) {
    const content = whole.slice();
    content[random.below(content.length - 4) + 4] = random.below(256);
    await withFile(content, async (path) => {
      const text = await read(path).catch((error) => {
        assert(error instanceof PipelineError && error.message.includes(path), String(error));
      });
      // Some bits of a header are unused.
      if (text !== undefined) assertEquals(text, large(4).toString());
    });
  }
});

Deno.test("openArchive() names the file that the system does not let it read", async () => {
  // A file whose first bytes cannot be read, even by root.
  const error = await assertRejects(() => read("/proc/self/mem"), PipelineError);
  assertStringIncludes(error.message, "The archive /proc/self/mem cannot be read");
  assertEquals(error.code, "invalid");
});

Deno.test("openArchive() refuses other compressions by name, and folders", async () => {
  await withFile(gzipSync(LINES), async (path) => {
    await assertRejects(() => read(path), PipelineError, `${path} is compressed with gzip`);
  });
  const folder = await Deno.makeTempDir();
  await assertRejects(() => read(folder), PipelineError, "is no file");
  await Deno.remove(folder);
  const missing = await assertRejects(() => read(folder), PipelineError);
  assertEquals(missing.code, "invalid");
});

Deno.test("openArchive() closes the file when its reader stops early", async () => {
  await withFile(zstd(LINES.repeat(50)), async (path) => {
    for await (const chunk of openArchive(path)) {
      assert(chunk.length > 0);
      break;
    }
  });
});
