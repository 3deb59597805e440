import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { type AppOptions, createApp } from "./app.ts";
import { loadAssets } from "./page/mod.ts";
import { type RunningServer, serve } from "./server.ts";
import { buildStore, post } from "./testing/world.ts";

async function setUp(options: Partial<AppOptions> = {}): Promise<RunningServer & { url: string }> {
  const app = createApp({ store: await buildStore({ speed: [post()] }), ...options });
  const server = serve(app, { host: "127.0.0.1", port: 0 });
  return { ...server, url: `http://127.0.0.1:${server.port}` };
}

/** Sends bytes and returns the answer until the server closes, or for a second. */
async function exchange(port: number, ...parts: string[]): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const encoder = new TextEncoder();
  let answer = "";
  const answered = Promise.withResolvers<void>();
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    for (let read; (read = await connection.read(buffer)) !== null;) {
      answer += new TextDecoder().decode(buffer.subarray(0, read));
      if (answer.includes("\r\n\r\n")) answered.resolve();
    }
  })().catch(() => {});
  for (const part of parts) {
    if (await connection.write(encoder.encode(part)).catch(() => 0) === 0) break;
  }
  await Promise.race([reading, answered.promise]);
  return answer;
}

Deno.test("serve() answers over the network and stops", async () => {
  const server = await setUp({ assets: await loadAssets() });
  const page = await fetch(server.url);
  assertEquals(page.status, 200);
  assertStringIncludes(await page.text(), "<title>Reddit pipeline</title>");
  const known = { "if-none-match": page.headers.get("etag")! };
  assertEquals((await fetch(server.url, { headers: known })).status, 304);
  await server.stop();
});

Deno.test("serve() reports that a port is in use", async () => {
  const server = await setUp();
  const app = createApp({ store: await buildStore({}) });
  const error = assertThrows(
    () => serve(app, { host: "127.0.0.1", port: server.port }),
    PipelineError,
  );
  assertEquals(error.code, "invalid");
  assertEquals(error.message, `Port ${server.port} is in use: choose another`);
  await server.stop();
});

Deno.test("stop() ends streams that clients follow, at once", async () => {
  const server = await setUp();
  const response = await fetch(`${server.url}/v1/stream`);
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: summary")) text += (await reader.read()).value;
  const start = performance.now();
  await server.stop();
  assert(performance.now() - start < 4_900, "all of the time to drain was waited for");
  await reader.read().catch(() => {});
});

Deno.test("a client that leaves frees its place in the stream", async () => {
  const server = await setUp({ limits: { requestTimeout: 1000, maxRequests: 9, maxStreams: 1 } });
  const first = await fetch(`${server.url}/v1/stream`);
  const refused = await fetch(`${server.url}/v1/stream`);
  assertEquals(refused.status, 503);
  await refused.body?.cancel();
  await first.body!.cancel();
  for (let status = 0; status !== 200;) {
    const response = await fetch(`${server.url}/v1/stream`);
    status = response.status;
    await response.body?.cancel();
  }
  await server.stop();
});

Deno.test("huge headers, addresses and bodies are refused, and the server continues", async () => {
  const server = await setUp();
  const { port } = server;
  const head = "GET /v1/status HTTP/1.1\r\nhost: x\r\n";
  const huge = `x-huge: ${"x".repeat(2_000_000)}\r\n\r\n`;
  assert(!/^HTTP\/1.1 200/.test(await exchange(port, head, huge)));
  const many = Array.from({ length: 5000 }, (_, i) => `x-${i}: 1\r\n`).join("");
  assert(!/^HTTP\/1.1 200/.test(await exchange(port, head, many, "\r\n")));
  const long = `GET /v1/status?${"x".repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`;
  assert(!/^HTTP\/1.1 200/.test(await exchange(port, long)));
  const flood = "POST /v1/status HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000000\r\n\r\n";
  assertStringIncludes(await exchange(port, flood, "x".repeat(1_000_000)), "405");
  assertStringIncludes(await exchange(port, "no http at all\r\n\r\n"), "400");
  const response = await fetch(`${server.url}/v1/status`);
  assertEquals(response.status, 200);
  await response.body?.cancel();
  await server.stop();
});

Deno.test("hundreds of silent connections do not block others", async () => {
  const server = await setUp();
  const idle = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      await connection.write(new TextEncoder().encode("GET /v1/status HT"));
      return connection;
    }),
  );
  const response = await fetch(`${server.url}/v1/status`);
  assertEquals(response.status, 200);
  await response.body?.cancel();
  for (const connection of idle) connection.close();
  await server.stop();
});
