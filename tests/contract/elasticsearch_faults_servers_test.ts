/**
 * What goes wrong between the store's adapter and Elasticsearch, shown on the real one with a
 * proxy in between. Numbers are those of docs/faults.md.
 */

import { type ElasticsearchStore, openElasticsearch } from "@pipeline/adapters/elasticsearch";
import type { StoredDocument } from "@pipeline/core";
import { sharedServers } from "@pipeline/tools/servers";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Authority } from "../support/certificates.ts";
import { ask, removeAll } from "../support/elasticsearch.ts";
import { HttpProxy, type Interference } from "../support/http_proxy.ts";
import { activity, stored } from "./serving_store_suite.ts";
import { assertCode, eventually } from "./suite.ts";

const servers = await sharedServers();
const targets = servers.elasticsearch.map(({ endpoint }) => endpoint);
const direct = `http://${targets[0]}`;

const VIEW = "subreddit_activity";
const PASSWORD = "a password with ü and :";

interface Scene {
  readonly proxy: HttpProxy;
  readonly store: ElasticsearchStore;
  readonly prefix: string;
  /** Another way to the same documents. */
  readonly witness: ElasticsearchStore;
  /** How often the job that uses the store was told that something is tried again. */
  readonly retries: () => number;
  /** Interferes with so many bulk requests. Returns how often it did. */
  bulks(count: number, interference: Interference): () => number;
}

function test(name: string, body: (scene: Scene) => Promise<void>): void {
  Deno.test({
    name: `Elasticsearch: ${name}`,
    // The client keeps connections for a while.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const prefix = `faults-${crypto.randomUUID().slice(0, 8)}-`;
      const options = { prefix, replicas: 1, loadRefreshInterval: 200 };
      await using proxy = await HttpProxy.open({ target: targets[0]! });
      let retries = 0;
      const store = openElasticsearch({ ...options, nodes: [proxy.url], bulkTimeout: 3_000 }, {
        retry: { onRetry: () => retries++ },
      });
      const witness = openElasticsearch({ ...options, nodes: [direct] });
      const bulks = (count: number, interference: Interference) => {
        let done = 0;
        proxy.interfere = ({ path }) =>
          path.includes("/_bulk") && done < count ? (done++, interference) : undefined;
        return () => done;
      };
      try {
        await store.createGeneration(1);
        await body({ proxy, store, witness, prefix, retries: () => retries, bulks });
      } finally {
        await Promise.all([store.close(), witness.close()]);
        await removeAll(direct, prefix);
      }
    },
  });
}

/** Documents of one view, a window each. */
function documents(count: number, version = 1): StoredDocument[] {
  return Array.from(
    { length: count },
    (_, i) => stored(activity(`name${i}`, 0, { posts: version }), version),
  );
}

async function holds(store: ElasticsearchStore, written: StoredDocument[]): Promise<void> {
  const found = await store.get(1, VIEW, written.map(({ id }) => id));
  assertEquals(found, written);
}

for (const status of [429, 503]) {
  test(`case 28: ${status} for whole requests is waited out`, async ({ store, bulks, witness }) => {
    const some = documents(300);
    const refused = bulks(3, { answer: { status, body: { error: { type: "busy" }, status } } });
    await store.write(1, VIEW, some);
    assertEquals(refused(), 3);
    await holds(witness, some);
  });

  test(`case ${status === 429 ? 28 : 29}: ${status} for items: these alone are sent again`, async (scene) => {
    const { store, proxy, witness } = scene;
    const some = documents(100);
    const sizes: number[] = [];
    proxy.interfere = ({ path, body }) => {
      if (!path.includes("/_bulk")) return undefined;
      sizes.push(new TextDecoder().decode(body).trimEnd().split("\n").length / 2);
      if (sizes.length > 1) return undefined;
      const items = some.map((_, i) => ({
        index: i % 2 === 0 ? { status, error: { type: "busy", reason: "later" } } : { status: 201 },
      }));
      // What it says to have written, it has not; so nothing but what it refused may come again.
      return { answer: { status: 200, body: { errors: true, items } } };
    };
    await store.write(1, VIEW, some);
    assertEquals(sizes, [100, 50]);
    const found = await witness.get(1, VIEW, some.map(({ id }) => id));
    assertEquals(found.map((document) => document !== undefined), some.map((_, i) => i % 2 === 0));
  });
}

test("case 28: what is refused for long rejects as unavailable, and later goes through", async (scene) => {
  const { store, proxy, witness } = scene;
  const some = documents(10);
  proxy.interfere = () => ({ answer: { status: 429, body: {} } });
  const started = performance.now();
  const writing = assertCode(() => store.write(1, VIEW, some), "unavailable");
  await eventually(() => assert(scene.retries() > 0, "the job is told before it is given up"));
  const error = await writing;
  assert(performance.now() - started > 5_000, "it gave up at once");
  assertStringIncludes(error.message, "429");
  proxy.interfere = undefined;
  await store.write(1, VIEW, some);
  await holds(witness, some);
});

test("case 30: the answer to a bulk request is lost after it was applied", async (scene) => {
  const { store, witness, bulks } = scene;
  const some = documents(200, 7);
  const lost = bulks(2, { lose: true });
  await store.write(1, VIEW, some);
  assertEquals(lost(), 2);
  await holds(witness, some);
});

test("case 30: the answer to a bulk request breaks off", async ({ store, witness, bulks }) => {
  const some = documents(200, 7);
  const lost = bulks(1, { cut: 100 });
  await store.write(1, VIEW, some);
  assertEquals(lost(), 1);
  await holds(witness, some);
});

test("case 30: a replay never goes back behind a later version", async (scene) => {
  const { store, witness, bulks } = scene;
  const [early, late] = [documents(50, 3), documents(50, 9)];
  await witness.write(1, VIEW, late);
  bulks(1, { lose: true });
  await store.write(1, VIEW, early);
  await holds(witness, late);
});

test("case 33: a field that the mapping does not know is refused, named", async ({ store }) => {
  const [good, bad] = documents(2) as [StoredDocument, StoredDocument];
  const strange = { ...bad, body: { ...bad.body, stranger: 1 } } as unknown as StoredDocument;
  const error = await assertCode(() => store.write(1, VIEW, [good, strange]), "invalid");
  assertStringIncludes(error.message, bad.id);
  assertStringIncludes(error.message, "stranger");
});

test("case 32: failed shards and time-outs mark the page", async ({ store, proxy }) => {
  await store.write(1, VIEW, documents(5));
  await store.refresh(1);
  const query = { order: "id", limit: 10 } as const;
  assertEquals((await store.search(1, VIEW, query)).complete, true);
  for (
    const change of [
      (answer: Record<string, unknown>) => ({ ...answer, timed_out: true }),
      (answer: Record<string, unknown>) => ({
        ...answer,
        _shards: { total: 1, successful: 0, skipped: 0, failed: 1 },
      }),
    ]
  ) {
    proxy.interfere = ({ path }) =>
      path.includes("/_search")
        ? {
          change: ({ body, ...rest }) => ({
            ...rest,
            body: new TextEncoder().encode(
              JSON.stringify(change(JSON.parse(new TextDecoder().decode(body)))),
            ),
          }),
        }
        : undefined;
    assertEquals((await store.search(1, VIEW, query)).complete, false);
  }
});

test("case 34: the answer to the switch is lost: all old or all new, and the caller can tell", async (scene) => {
  const { store, proxy, witness } = scene;
  await store.createGeneration(2);
  await store.switchTo(1, undefined);
  proxy.interfere = ({ path, method }) =>
    method === "POST" && path.startsWith("/_aliases") ? { lose: true } : undefined;
  await assertCode(() => store.switchTo(2, 1), "unavailable");
  assertEquals(await witness.current(), 2);
  proxy.interfere = undefined;
  assertEquals(await store.current(), 2);
});

test("case 36: a read-only block is `full`, and writing goes on once it is lifted", async (scene) => {
  const { store, witness, prefix } = scene;
  const block = (on: true | null) =>
    ask(direct, "PUT", `/${prefix}*/_settings?expand_wildcards=all`, {
      "index.blocks.read_only_allow_delete": on,
    });
  const some = documents(20);
  await block(true);
  const writing = store.write(1, VIEW, some);
  let end: unknown;
  writing.then(() => end = "written", (error) => end = error);
  // Refused more than once, and still tried.
  await eventually(() => assert(scene.retries() > 1, "it does not try again"));
  assertEquals(end, undefined);
  await block(null);
  await writing;
  await holds(witness, some);
});

test("case 37: an index deleted behind us is not made anew, and the next generation replaces the rest", async ({ store, prefix }) => {
  await store.switchTo(1, undefined);
  const found = await ask(direct, "GET", `/_cat/indices/${prefix}*?format=json&h=index`);
  const indices = (found as { index: string }[]).map(({ index }) => index);
  const index = indices.find((name) => name.includes(VIEW) && !name.endsWith("-live"))!;
  await ask(direct, "DELETE", `/${index}`);
  await assertCode(() => store.write(1, VIEW, documents(1)), "not_found");
  await assertCode(() => store.get(1, VIEW, ["x"]), "not_found");
  const after = await ask(direct, "GET", `/_cat/indices/${index}?format=json`).catch(String);
  assertStringIncludes(String(after), "404");
  assertEquals(await store.current(), 1, "the other views are served");
  await assertCode(() => store.switchTo(2, 1), "not_found");
  await store.createGeneration(2);
  await assertCode(() => store.switchTo(2, undefined), "conflict");
  await store.switchTo(2, 1);
  assertEquals(await store.current(), 2);
  await assertCode(() => store.switchTo(1, 1), "conflict");
});

test("cut connections in mid-request are tried again", async ({ store, proxy, witness }) => {
  let cuts = 0;
  proxy.interfere = ({ path }) =>
    path.includes("/_mget") && cuts < 2 ? (cuts++, { lose: true }) : undefined;
  const some = documents(3);
  await witness.write(1, VIEW, some);
  await holds(store, some);
  assertEquals(cuts, 2);
});

function basic(password: string): string {
  return `Basic ${new TextEncoder().encode(`pipeline:${password}`).toBase64()}`;
}

interface Secured {
  readonly proxy: HttpProxy;
  /** A file below a folder of the test's own. */
  file(name: string, text: string): Promise<string>;
}

/** A proxy that speaks TLS and asks who is there, as a server with security does. */
function secured(
  name: string,
  certificate: (authority: Authority) => Promise<{ cert: string; key: string }>,
  body: (scene: Secured & { readonly caFile: string }) => Promise<void>,
): void {
  Deno.test({
    name: `Elasticsearch: ${name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const folder = await Deno.makeTempDir();
      const file = async (name: string, text: string) => {
        await Deno.writeTextFile(`${folder}/${name}`, text);
        return `${folder}/${name}`;
      };
      try {
        const authority = await Authority.create();
        await using proxy = await HttpProxy.open({
          target: targets[0]!,
          tls: await certificate(authority),
          authorization: [
            basic(PASSWORD),
            "ApiKey abc",
          ],
        });
        await body({ proxy, file, caFile: await file("ca.pem", authority.cert) });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

const ours = (authority: Authority) => authority.sign({ type: "ip", value: "127.0.0.1" });

secured("TLS with an own authority and a password", ours, async ({ proxy, caFile, file }) => {
  const passwordFile = await file("password", `${PASSWORD}\n`);
  const store = openElasticsearch({
    nodes: [proxy.url],
    caFile,
    username: "pipeline",
    passwordFile,
  });
  assertEquals(await store.control("nothing"), undefined);
  await store.close();
});

secured("TLS with an API key", ours, async ({ proxy, caFile, file }) => {
  const apiKeyFile = await file("key", "abc\n");
  const store = openElasticsearch({ nodes: [proxy.url], caFile, apiKeyFile });
  assertEquals(await store.control("nothing"), undefined);
  await store.close();
});

secured("case 45: a wrong password is told without it", ours, async ({ proxy, caFile, file }) => {
  const passwordFile = await file("password", "something-wrong");
  const nodes = [proxy.url];
  const store = openElasticsearch({ nodes, caFile, username: "pipeline", passwordFile });
  const error = await assertCode(() => store.control("nothing"), "unavailable");
  assertStringIncludes(error.message, "401");
  assertStringIncludes(error.message, "check username and passwordFile");
  const everything = Deno.inspect(error, { depth: 20 });
  assert(!everything.includes("something-wrong"), everything);
  assert(!everything.includes(basic("something-wrong").slice(6)), everything);
  await store.close();
});

async function refused(
  { proxy, caFile, file }: Secured & { readonly caFile?: string },
): Promise<void> {
  const apiKeyFile = await file("key", "abc");
  const nodes = [proxy.url];
  const store = openElasticsearch({ nodes, apiKeyFile, ...(caFile && { caFile }) });
  const error = await assertCode(() => store.control("nothing"), "unavailable");
  assert(/certificate/i.test(error.message), error.message);
  assertEquals(proxy.asked, 0, "a request was sent to a server that is not trusted");
  await store.close();
}

secured("case 46: an authority that nobody named is refused", ours, ({ proxy, file }) => {
  return refused({ proxy, file });
});

secured("case 46: an authority other than the named one is refused", ours, async (scene) => {
  const caFile = await scene.file("other.pem", (await Authority.create()).cert);
  await refused({ ...scene, caFile });
});

secured(
  "case 46: an expired certificate is refused",
  (authority) => authority.sign({ type: "ip", value: "127.0.0.1" }, { days: -1 }),
  refused,
);

secured(
  "case 46: a certificate for another name is refused",
  (authority) => authority.sign({ type: "dns", value: "elsewhere.example" }),
  refused,
);
