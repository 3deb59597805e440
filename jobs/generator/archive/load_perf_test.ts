import type { MasterDataset } from "@pipeline/core";
import { assert, assertLess } from "@std/assert";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { constants, createZstdCompress } from "node:zlib";
import { loadArchive } from "./load.ts";

function line(number: number): string {
  const body = `Comment number ${number}. `.repeat(8);
  const author = `user${number % 50}`;
  const created_utc = 1_333_238_400 + number;
  return JSON.stringify({ id: `c${number}`, link_id: "t3_abc", author, body, created_utc });
}

async function inTempFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A dataset that forgets everything but lengths: the loader is measured. */
class LengthsOnly {
  readonly #lengths = new Map<string, number>();

  write(path: string, content: Uint8Array): Promise<number> {
    this.#lengths.set(path, content.length);
    return Promise.resolve(content.length);
  }

  rename(from: string, to: string): Promise<void> {
    this.#lengths.set(to, this.#lengths.get(from)!);
    return this.remove(from);
  }

  remove(path: string): Promise<void> {
    this.#lengths.delete(path);
    return Promise.resolve();
  }

  status(path: string): Promise<{ length: number } | undefined> {
    const length = this.#lengths.get(path);
    return Promise.resolve(length === undefined ? undefined : { length });
  }
}

// Alone in its process: the memory of the whole process is measured.
Deno.test(
  "loadArchive() needs no more memory for a large file",
  { sanitizeResources: false },
  () =>
    inTempFolder(async (folder) => {
      const path = `${folder}/RC_large.zst`;
      const zstd = createZstdCompress({
        params: { [constants.ZSTD_c_windowLog]: 24, [constants.ZSTD_c_compressionLevel]: 1 },
      });
      const file = createWriteStream(path);
      zstd.pipe(file);
      let bytes = 0;
      for (let number = 0; bytes < 600e6;) {
        let block = "";
        for (const end = number + 1_000; number < end;) block += `${line(number++)}\n`;
        bytes += block.length;
        if (!zstd.write(block)) await once(zstd, "drain");
      }
      zstd.end();
      await once(file, "close");
      const nowhere = new LengthsOnly() as unknown as MasterDataset;
      const before = Deno.memoryUsage().rss;
      let most = 0;
      const sample = setInterval(() => most = Math.max(most, Deno.memoryUsage().rss), 10);
      try {
        const manifest = await loadArchive(nowhere, path, {
          fileBytes: 2 ** 20,
          heldBytes: 8 * 2 ** 20,
          onProgress: () => most = Math.max(most, Deno.memoryUsage().rss),
        });
        assert(manifest.totals.bytes > 100e6);
      } finally {
        clearInterval(sample);
      }
      // The heap first fills up to its limit; a loader that held the file would need far more.
      assertLess(most - before, 400e6, `${Math.round((most - before) / 1e6)} MB more`);
    }),
);
