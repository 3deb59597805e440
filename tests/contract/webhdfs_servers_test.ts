/**
 * Files exchanged between our adapter and the package `webhdfs`, another client of the same REST
 * interface: what one writes is what the other reads.
 */

import { openHdfs } from "@pipeline/adapters/hdfs";
import { sharedServers } from "@pipeline/tools/servers";
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import webhdfs from "webhdfs";

const servers = await sharedServers();
const { endpoint } = servers.namenodes[0]!;

/** A plain name: the package cannot read or write one that has to be encoded. */
const NAME = "file";
const CONTENT = new Uint8Array(1 << 20).map((_, i) => (i * 7) ^ (i >> 8));

function test(
  name: string,
  body: (
    dataset: ReturnType<typeof openHdfs>,
    // deno-lint-ignore no-explicit-any -- the package has no types
    client: any,
    path: string,
  ) => Promise<void>,
): void {
  Deno.test({
    name: `webhdfs: ${name}`,
    // The package keeps its connections.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const [host, port] = endpoint.split(":");
      const client = webhdfs.createClient({ user: "hdfs", host, port, path: "/webhdfs/v1" });
      const dataset = openHdfs({ namenodes: [`http://${endpoint}`] });
      const folder = `/exchange-${crypto.randomUUID()}`;
      try {
        await dataset.mkdirs(folder);
        await body(dataset, client, `${folder}/${NAME}`);
      } finally {
        await dataset.remove(folder);
        await dataset.close();
      }
    },
  });
}

test("reads what we write", async (dataset, client, path) => {
  await dataset.write(path, CONTENT);
  const stream = client.createReadStream(path);
  const chunks: Uint8Array[] = [];
  await new Promise<void>((resolve, reject) => {
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("finish", resolve);
  });
  assertEquals(new Uint8Array(Buffer.concat(chunks)), CONTENT);
});

test("writes what we read", async (dataset, client, path) => {
  const stream = client.createWriteStream(path);
  const finished = new Promise((resolve, reject) => {
    stream.on("finish", resolve);
    stream.on("error", reject);
  });
  // It must be fed by a pipe: a write of one's own throws where nobody can catch it.
  Readable.from([Buffer.from(CONTENT)]).pipe(stream);
  await finished;
  const chunks = await Array.fromAsync(dataset.read(path));
  assertEquals(new Uint8Array(Buffer.concat(chunks)), CONTENT);
});
