/**
 * Files exchanged between our adapter and the package `webhdfs`, another client of the same REST
 * interface: what one writes is what the other reads.
 */

import { openHdfs } from "@pipeline/adapters/hdfs";
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import webhdfs from "webhdfs";
import { sharedServers } from "../servers/mod.ts";

const servers = await sharedServers();
const { endpoint } = servers.namenodes[0]!;

/** A name that has to be encoded, and bytes that are no text. */
const NAME = "a file, 100 % ü";
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
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.createReadStream(encodeURI(path))) chunks.push(chunk);
  assertEquals(new Uint8Array(Buffer.concat(chunks)), CONTENT);
});

test("writes what we read", async (dataset, client, path) => {
  const stream = client.createWriteStream(encodeURI(path));
  const finished = new Promise((resolve, reject) => {
    stream.on("finish", resolve);
    stream.on("error", reject);
  });
  pipeline(Readable.from([Buffer.from(CONTENT)]), stream).catch(() => {});
  await finished;
  const chunks = await Array.fromAsync(dataset.read(path));
  assertEquals(new Uint8Array(Buffer.concat(chunks)), CONTENT);
});
