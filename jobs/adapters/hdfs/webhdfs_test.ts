/** How requests recover: on servers that answer like NameNodes and DataNodes, or not at all. */

import { type ErrorCode, hasCode } from "@pipeline/core";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { hdfsConfig, type HdfsInput } from "./config.ts";
import { type Operation, WebHdfs } from "./webhdfs.ts";

const LIST: Operation = { method: "GET", op: "LISTSTATUS", parts: ["a b"], what: "Listing /a b" };
const OPEN: Operation = { method: "GET", op: "OPEN", parts: ["a"], what: "Reading /a" };
const CREATE: Operation = { method: "PUT", op: "CREATE", parts: ["a"], what: "Writing /a" };

type Answer = (request: Request) => Response | Promise<Response>;

/** A server that runs during the test, and records its requests. */
function serve(answer: Answer) {
  const asked: URL[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      asked.push(new URL(request.url));
      return answer(request);
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { asked, url, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** An address without a listener, not even a server of a test that runs at the same time. */
function nobody(host = "127.0.0.2"): string {
  const listener = Deno.listen({ port: 0, hostname: host });
  listener.close();
  return `http://${host}:${listener.addr.port}`;
}

function client(...namenodes: string[]) {
  return clientWith({ namenodes });
}

function clientWith(config: HdfsInput) {
  const hdfs = new WebHdfs(hdfsConfig.parse(config));
  return Object.assign(hdfs, { [Symbol.dispose]: () => hdfs.close() });
}

const exception = (name: string, message = "x") =>
  Response.json({ RemoteException: { exception: name, message } }, { status: 403 });
const standby: Answer = () => exception("StandbyException", "Operation category READ");
const to = (url: string) => Response.json({ Location: `${url}/webhdfs/v1/a` });

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  const codes: readonly ErrorCode[] = ["unavailable", "exists", "invalid"];
  const error = await work.then(() => undefined, (error: unknown) => error);
  return codes.find((code) => hasCode(error, code));
}

Deno.test("ask() turns to the NameNode that is active, and stays with it", async () => {
  await using first = serve(standby);
  await using second = serve(() => Response.json({ found: true }));
  using hdfs = client(first.url, second.url);
  assertEquals(await hdfs.ask(LIST), { found: true });
  assertEquals(await hdfs.ask(LIST), { found: true });
  assertEquals([first.asked.length, second.asked.length], [1, 2]);
  assertStringIncludes(second.asked[0]!.href, "/webhdfs/v1/a%20b?op=LISTSTATUS&user.name=hdfs");
});

Deno.test("ask() turns to the other NameNode where one was not reached", async () => {
  await using second = serve(() => Response.json({ found: true }));
  using hdfs = client(nobody(), second.url);
  assertEquals(await hdfs.ask(LIST), { found: true });
});

Deno.test("ask() does not ask another NameNode for what one may have carried out", async () => {
  const hanging = Promise.withResolvers<Response>();
  await using first = serve(() => hanging.promise);
  await using second = serve(() => Response.json({ found: true }));
  using hdfs = clientWith({ namenodes: [first.url, second.url], requestTimeout: "100ms" });
  const code = await codeOf(hdfs.ask(LIST));
  hanging.resolve(new Response());
  assertEquals(code, "unavailable");
  assertEquals(second.asked.length, 0);
});

Deno.test("ask() is unavailable where no NameNode is active", async () => {
  await using first = serve(standby);
  await using second = serve(standby);
  using hdfs = client(first.url, second.url);
  assertEquals(await codeOf(hdfs.ask(LIST)), "unavailable");
  assertEquals([first.asked.length, second.asked.length], [1, 1]);
});

Deno.test("upload() leaves out a DataNode that was not reached, and sends the bytes to another one", async () => {
  const received: number[] = [];
  await using datanode = serve(async (request) => {
    received.push((await request.arrayBuffer()).byteLength);
    return new Response(null, { status: 201 });
  });
  const dead = nobody();
  await using namenode = serve((request) =>
    to(request.url.includes("excludedatanodes") ? datanode.url : dead)
  );
  using hdfs = client(namenode.url);
  await hdfs.upload(CREATE, new Uint8Array(9));
  // A DataNode that was just excluded stays so.
  await hdfs.upload(CREATE, new Uint8Array(8));
  assertEquals(received, [9, 8]);
  const excluded = namenode.asked.map((url) => url.searchParams.get("excludedatanodes"));
  assertEquals(excluded, [null, "127.0.0.2", "127.0.0.2"]);
});

Deno.test("upload() sends a stream once: bytes read from it cannot be resent", async () => {
  const dead = nobody();
  await using namenode = serve(() => to(dead));
  using hdfs = client(namenode.url);
  const stream = ReadableStream.from([new Uint8Array(9)]);
  assertEquals(await codeOf(hdfs.upload(CREATE, stream)), "unavailable");
  assertEquals(namenode.asked.length, 1);
});

Deno.test("upload() does not resend after any answer of a DataNode", async () => {
  const answers: [ErrorCode, Response][] = [
    ["exists", exception("FileAlreadyExistsException")],
    ["unavailable", exception("IOException", "could only be written to 0 of the 1 nodes")],
    ["unavailable", new Response("<html>proxy</html>", { status: 502 })],
  ];
  for (const [code, answer] of answers) {
    await using datanode = serve(() => answer);
    await using namenode = serve(() => to(datanode.url));
    using hdfs = client(namenode.url);
    assertEquals(await codeOf(hdfs.upload(CREATE, new Uint8Array(9))), code);
    assertEquals(datanode.asked.length, 1, code);
  }
});

Deno.test("download() takes a DataNode that was left out rather than none", async () => {
  const up = { there: false };
  await using datanode = serve(() => new Response("bytes"));
  const dead = nobody();
  await using namenode = serve((request) => {
    if (!request.url.includes("excludedatanodes")) return to(up.there ? datanode.url : dead);
    up.there = true;
    return exception("IOException", "There are no more DataNodes");
  });
  using hdfs = client(namenode.url);
  assertEquals(await new Response(await hdfs.download(OPEN)).text(), "bytes");
});

Deno.test("download() gives up if DataNode after DataNode is unreachable", async () => {
  const hosts = [2, 3, 4, 5, 6, 7, 8].map((n) => nobody(`127.0.0.${n}`));
  await using namenode = serve(() => to(hosts.shift()!));
  using hdfs = client(namenode.url);
  assertEquals(await codeOf(hdfs.download(OPEN)), "unavailable");
  assertEquals(namenode.asked.length, 5);
  const last = namenode.asked.at(-1)!.searchParams.get("excludedatanodes");
  assertEquals(last, "127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5");
});

Deno.test("download() takes no page for a file's bytes", async () => {
  const headers = { "content-type": "text/html;charset=utf-8" };
  await using datanode = serve(() => new Response("<html>login</html>", { headers }));
  await using namenode = serve(() => to(datanode.url));
  using hdfs = client(namenode.url);
  assertEquals(await codeOf(hdfs.download(OPEN)), "unavailable");
});

Deno.test("download() is unavailable where the NameNode names no DataNode", async () => {
  for (const body of [{}, { Location: 7 }, { Location: "dn-0" }, null]) {
    await using namenode = serve(() => Response.json(body));
    using hdfs = client(namenode.url);
    assertEquals(await codeOf(hdfs.download(OPEN)), "unavailable", JSON.stringify(body));
  }
});
