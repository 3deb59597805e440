/**
 * What goes wrong between the dataset's adapter and HDFS, shown on the real one with a proxy in
 * between. Numbers are those of docs/faults.md.
 */

import { type HdfsDataset, openHdfs } from "@pipeline/adapters/hdfs";
import { sharedServers } from "@pipeline/tools/servers";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Authority } from "../support/certificates.ts";
import { type Asked, HttpProxy, type Interference } from "../support/http_proxy.ts";
import { assertCode } from "./suite.ts";

const servers = await sharedServers();
const [namenode] = servers.namenodes;
const direct = `http://${namenode!.endpoint}`;

/** What a NameNode that is not the active one answers (HTTP status and exception). */
const STANDBY = {
  answer: {
    status: 403,
    body: {
      RemoteException: {
        exception: "StandbyException",
        javaClassName: "org.apache.hadoop.ipc.StandbyException",
        message: "Operation category READ is not supported in state standby",
      },
    },
  },
} as const;

interface Scene {
  readonly proxy: HttpProxy;
  readonly dataset: HdfsDataset;
  /** The same files without a proxy. */
  readonly witness: HdfsDataset;
  /** Interferes with so many requests that match. Returns how often it did. */
  interfere(count: number, matches: (asked: Asked) => boolean, how: Interference): () => number;
}

function test(name: string, body: (scene: Scene) => Promise<void>): void {
  Deno.test({
    name: `HDFS: ${name}`,
    // A transfer that was cut short is let go of in the background.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const root = `/faults-${crypto.randomUUID()}`;
      await using proxy = await HttpProxy.open({ target: namenode!.endpoint });
      const dataset = openHdfs({ namenodes: [proxy.url], root, idleTimeout: 2_000 });
      const witness = openHdfs({ namenodes: [direct], root });
      const whole = openHdfs({ namenodes: [direct] });
      const interfere: Scene["interfere"] = (count, matches, how) => {
        let done = 0;
        proxy.interfere = (asked) => matches(asked) && done < count ? (done++, how) : undefined;
        return () => done;
      };
      try {
        await body({ proxy, dataset, witness, interfere });
      } finally {
        await whole.remove(root);
        await Promise.all([dataset.close(), witness.close(), whole.close()]);
      }
    },
  });
}

const isUpload = ({ method, path }: Asked) => method === "PUT" && path.startsWith("/via/");
const isDownload = ({ method, path }: Asked) => method === "GET" && path.startsWith("/via/");

const CONTENT = new Uint8Array(3 << 20).map((_, i) => (i * 31) >> 3);

async function read(dataset: HdfsDataset, path: string): Promise<Uint8Array> {
  const chunks = await Array.fromAsync(dataset.read(path));
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

test("case 22: a truncated download is taken up where it broke off", async (scene) => {
  const { dataset, interfere } = scene;
  await dataset.write("/file", CONTENT);
  const cuts = interfere(3, isDownload, { cut: 400_000 });
  const bytes = await read(dataset, "/file");
  assertEquals(cuts(), 3);
  assertEquals(bytes.length, CONTENT.length);
  assert(bytes.every((byte, i) => byte === CONTENT[i]));
});

for (const status of [200, 500]) {
  test(`case 22: no bytes with status ${status} are no file`, async ({ dataset, proxy }) => {
    await dataset.write("/file", CONTENT.subarray(0, 1_000));
    const empty: Interference = status === 200
      ? { change: (answer) => ({ ...answer, body: new Uint8Array() }) }
      : { answer: { status } };
    proxy.interfere = (asked) => isDownload(asked) ? empty : undefined;
    await assertCode(() => read(dataset, "/file"), "unavailable", "corrupt");
    proxy.interfere = undefined;
    assertEquals((await read(dataset, "/file")).length, 1_000);
  });
}

for (const status of [503, 504]) {
  test(`case 23: ${status} on upload is an error that may be tried again`, async (scene) => {
    const { dataset, witness, interfere } = scene;
    interfere(1, isUpload, { answer: { status } });
    await assertCode(() => dataset.write("/file", CONTENT), "unavailable");
    await dataset.write("/file again", CONTENT);
    assertEquals((await witness.status("/file again"))?.length, CONTENT.length);
  });
}

test("case 22: an upload of which only a part arrived is found out", async (scene) => {
  const { dataset, proxy } = scene;
  // The DataNode has all of it; the NameNode is made to say that it has less.
  proxy.interfere = ({ path }) =>
    path.includes("GETFILESTATUS")
      ? {
        change: ({ body, ...rest }) => {
          const answer = JSON.parse(new TextDecoder().decode(body));
          if (answer.FileStatus !== undefined) answer.FileStatus.length -= 1;
          return { ...rest, body: new TextEncoder().encode(JSON.stringify(answer)) };
        },
      }
      : undefined;
  const error = await assertCode(() => dataset.write("/file", CONTENT), "unavailable");
  assertStringIncludes(error.message, `${CONTENT.length - 1} of ${CONTENT.length} bytes`);
});

test("case 21: the answer to a rename is lost: the name says who was first", async (scene) => {
  const { dataset, witness, interfere } = scene;
  await dataset.write("/mine", new TextEncoder().encode("mine"));
  interfere(1, ({ path }) => path.includes("RENAME"), { lose: true });
  await assertCode(() => dataset.rename("/mine", "/commit"), "unavailable");
  // It was carried out; and it is not again.
  assertEquals(new TextDecoder().decode(await read(witness, "/commit")), "mine");
  await assertCode(() => dataset.rename("/mine", "/commit"), "not_found");
  await dataset.write("/another", new TextEncoder().encode("another"));
  await assertCode(() => dataset.rename("/another", "/commit"), "exists");
  assertEquals(new TextDecoder().decode(await read(witness, "/commit")), "mine");
});

test("case 17: what a NameNode cannot say is unknown, not missing", async ({ dataset, proxy }) => {
  await dataset.write("/file", CONTENT.subarray(0, 10));
  const answers: Interference[] = [
    { answer: { status: 503 } },
    { lose: true },
    { answer: { status: 404, body: "a page of some other server" } },
  ];
  for (const answer of answers) {
    proxy.interfere = () => answer;
    await assertCode(() => dataset.status("/file"), "unavailable");
    await assertCode(() => dataset.list("/"), "unavailable");
  }
});

test("case 17: safe mode is waited for, not taken for a refusal", async ({ dataset, proxy }) => {
  proxy.interfere = ({ method }) =>
    method === "PUT"
      ? {
        answer: {
          status: 403,
          body: {
            RemoteException: {
              exception: "SafeModeException",
              javaClassName: "org.apache.hadoop.hdfs.server.namenode.SafeModeException",
              message: "Cannot create file. Name node is in safe mode.",
            },
          },
        },
      }
      : undefined;
  await assertCode(() => dataset.write("/file", CONTENT), "unavailable");
  await assertCode(() => dataset.mkdirs("/folder"), "unavailable");
});

test("case 17: of two NameNodes, the one that is active is asked", async ({ witness }) => {
  await using first = await HttpProxy.open({ target: namenode!.endpoint });
  await using second = await HttpProxy.open({ target: namenode!.endpoint });
  await witness.mkdirs("/");
  const root = `/pair-${crypto.randomUUID()}`;
  const dataset = openHdfs({ namenodes: [first.url, second.url], root });
  try {
    first.interfere = () => STANDBY;
    await dataset.write("/file", CONTENT.subarray(0, 10));
    const before = first.asked;
    await dataset.write("/another", CONTENT.subarray(0, 10));
    assertEquals(first.asked, before, "the standby was asked again");
    // They change places.
    first.interfere = undefined;
    second.interfere = () => STANDBY;
    assertEquals((await dataset.list("/")).length, 2);
    second.interfere = undefined;
    first.interfere = () => STANDBY;
    await dataset.remove("/file");
    second.interfere = () => STANDBY;
    const error = await assertCode(() => dataset.list("/"), "unavailable");
    assertStringIncludes(error.message, "Standby");
    first.interfere = second.interfere = undefined;
  } finally {
    const whole = openHdfs({ namenodes: [direct] });
    await whole.remove(root);
    await Promise.all([whole.close(), dataset.close()]);
  }
});

test("case 24: a quota that is used up is `full`, told apart from anything else", async () => {
  const root = `/quota-${crypto.randomUUID()}`;
  const whole = openHdfs({ namenodes: [direct] });
  const dataset = openHdfs({ namenodes: [direct], root });
  const limit = async (bytes: number) => {
    const query = `op=SETQUOTA&storagespacequota=${bytes}&user.name=hdfs`;
    const url = `${direct}/webhdfs/v1${root}?${query}`;
    const response = await fetch(url, { method: "PUT", signal: AbortSignal.timeout(10_000) });
    assertEquals([response.status, await response.text()], [200, ""]);
  };
  try {
    await whole.mkdirs(root);
    await limit(1);
    await assertCode(() => dataset.write("/file", CONTENT), "full");
    await limit(-1);
    await dataset.write("/file again", CONTENT);
  } finally {
    await whole.remove(root);
    await Promise.all([dataset.close(), whole.close()]);
  }
});

test("a transfer that stands still is given up in time", async ({ dataset, proxy }) => {
  await dataset.write("/file", CONTENT);
  // The proxy answers when it has everything, and that is never.
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of silent) held.push(connection);
  })();
  const { port } = silent.addr;
  proxy.interfere = ({ path }) =>
    path.includes("op=OPEN") && !path.startsWith("/via/")
      ? { answer: { status: 200, body: { Location: `http://127.0.0.1:${port}/silence` } } }
      : undefined;
  const patient = openHdfs({ namenodes: [proxy.url], root: "/", requestTimeout: 500 });
  const started = performance.now();
  try {
    const path = (await dataset.list("/")).length === 1 ? "/file" : "";
    assertEquals(path, "/file");
    const root = new URL(proxy.url);
    assertEquals(root.pathname, "/");
    await assertCode(async () => {
      const entries = await patient.list("/");
      const folder = entries.find(({ name }) => name.startsWith("faults-"))!;
      return await read(patient, `/${folder.name}/file`);
    }, "unavailable");
    assert(performance.now() - started < 20_000);
  } finally {
    await patient.close();
    for (const connection of held) connection.close();
    silent.close();
    await accepting.catch(() => {});
  }
});

Deno.test({
  name: "HDFS: case 46: TLS, by the named authority only",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const folder = await Deno.makeTempDir();
    const authority = await Authority.create();
    const caFile = `${folder}/ca.pem`;
    await Deno.writeTextFile(caFile, authority.cert);
    await using proxy = await HttpProxy.open({
      target: namenode!.endpoint,
      tls: await authority.sign({ type: "ip", value: "127.0.0.1" }),
    });
    const trusting = openHdfs({ namenodes: [proxy.url], caFile });
    const wary = openHdfs({ namenodes: [proxy.url] });
    try {
      assert(Array.isArray(await trusting.list("/")));
      const before = proxy.asked;
      const error = await assertCode(() => wary.list("/"), "unavailable", "invalid");
      assert(/certificate/i.test(error.message), error.message);
      assertEquals(proxy.asked, before);
    } finally {
      await Promise.all([trusting.close(), wary.close()]);
      await Deno.remove(folder, { recursive: true });
    }
  },
});
