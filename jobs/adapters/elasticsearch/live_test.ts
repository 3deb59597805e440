import {
  documentId,
  type PostDocument,
  type StoredDocument,
  type ViewDocument,
  VIEWS,
} from "@pipeline/core";
import { assertEquals, assertRejects } from "@std/assert";
import { type ElasticsearchStore, openElasticsearch } from "./mod.ts";
import { type Asked, type FakeServer, fakeServer } from "./testing/server.ts";

const MAIN = "views_top_posts_v1-000001";
const LIVE = `${MAIN}-live`;
const lives = VIEWS.map((view) => `views_${view}_v1-000001-live`);
const mains = VIEWS.map((view) => `views_${view}_v1-000001`);

const post = (part: string): PostDocument => ({
  type: "post",
  part,
  subreddit: "a",
  post_id: "p",
  title: "",
  user_id: "u",
  score: 1,
  num_comments: 0,
  created_utc: 0,
  timestamp: 0,
});

const stored = (body: ViewDocument): StoredDocument => ({ id: documentId(body), version: 3, body });

const OURS = stored(post("reddit.posts-0"));
const BATCH = stored(post("batch"));

/** Where the server puts operations: each shard counts them. */
interface Shards {
  term: number;
  seq: number;
}

/** Answers requests about generation 1, which has these indices, as far as they need an answer. */
function answers(indices: readonly string[], shards: Shards = { term: 1, seq: 0 }) {
  return ({ what, lines }: Asked): object => {
    if (what.endsWith("/_alias")) {
      return Object.fromEntries(indices.map((index) => [index, { aliases: {} }]));
    }
    if (what.endsWith("/_bulk")) {
      return {
        items: lines.filter((_, i) => i % 2 === 0).map(() => ({
          index: { status: 201, _primary_term: shards.term, _seq_no: shards.seq++ },
        })),
      };
    }
    if (what.endsWith("/_count")) return { count: 7, _shards: { failed: 0 } };
    if (what.endsWith("/_search")) {
      return { timed_out: false, _shards: { failed: 0 }, hits: { hits: [] } };
    }
    if (what.endsWith("/_mget")) {
      return { docs: lines[0].docs.map(({ _id }: { _id: string }) => ({ _id, found: false })) };
    }
    return { acknowledged: true };
  };
}

function test(
  name: string,
  indices: readonly string[],
  body: (store: ElasticsearchStore, server: FakeServer, shards: Shards) => Promise<void>,
): void {
  Deno.test({
    name,
    // The client keeps connections for a while.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const shards = { term: 1, seq: 0 };
      await using server = fakeServer(answers(indices, shards));
      const store = openElasticsearch({ nodes: [server.url] });
      try {
        await body(store, server, shards);
      } finally {
        await store.close();
      }
    },
  });
}

const bulks = (server: FakeServer) => server.asked.filter(({ what }) => what.endsWith("/_bulk"));

/** The aliases that requests write through, and the ids. */
const written = ({ what, lines }: Asked) =>
  lines.filter((line) => line.index !== undefined).map(({ index }) => [
    index._index ?? what.split("/")[1],
    index._id,
  ]);

test(
  "createGeneration() creates the index of speed's documents first, with one shard",
  [],
  async (store, server) => {
    await store.createGeneration(1);
    const created = server.asked.filter(({ what }) => /^PUT .views_\w+-\d+(-live)?$/.test(what));
    assertEquals(
      created.map(({ what }) => what),
      VIEWS.flatMap((_, i) => [`PUT /${lives[i]}`, `PUT /${mains[i]}`]),
    );
    const [live, main] = created.map(({ lines }) => lines[0]);
    assertEquals(live.settings, {
      number_of_shards: 1,
      number_of_replicas: 2,
      refresh_interval: "500ms",
    });
    assertEquals(live.mappings.properties, { watermark: { type: "object", enabled: false } });
    assertEquals(Object.keys(live.aliases), [`${LIVE}.write`]);
    assertEquals([main.settings, Object.keys(main.aliases)], [undefined, [`${MAIN}.write`]]);
  },
);

test(
  "createGeneration() leaves a generation of an earlier version as it is",
  mains,
  async (store, server) => {
    await store.createGeneration(1);
    assertEquals(server.asked.filter(({ what }) => what.endsWith("-live")), []);
  },
);

test(
  "write() and get() go to the index of each document's layer",
  [...mains, ...lives],
  async (store, server) => {
    await store.write(1, "top_posts", [OURS, BATCH]);
    assertEquals(bulks(server).map(written), [[[`${MAIN}.write`, BATCH.id]], [[
      `${LIVE}.write`,
      OURS.id,
    ]]]);
    assertEquals(bulks(server).map(({ params }) => params.require_alias), ["true", "true"]);
    await store.get(1, "top_posts", [OURS.id, BATCH.id, "x"]);
    assertEquals([server.asked.at(-1)!.what, server.asked.at(-1)!.lines[0].docs], [
      `POST /${MAIN}/_mget`,
      [{ _id: OURS.id, _index: LIVE }, { _id: BATCH.id }, { _id: "x" }],
    ]);
  },
);

test(
  "search() asks only indices that may hold what it selects",
  [...mains, ...lives],
  async (store, server) => {
    const asked = async (query: object) => {
      await store.search(1, "top_posts", { order: "id", limit: 1, ...query });
      const { what, lines } = server.asked.at(-1)!;
      const hidden = lines[0].query.bool.must_not.some((condition: { term?: { type?: unknown } }) =>
        condition.term?.type !== undefined
      );
      return [what.split("/")[1], hidden];
    };
    assertEquals(await asked({}), [`${MAIN},${LIVE}`, true]);
    assertEquals(await asked({ layer: "batch" }), [MAIN, false]);
    assertEquals(await asked({ layer: "speed" }), [LIVE, true]);
    assertEquals(await asked({ parts: ["batch"] }), [MAIN, false]);
    assertEquals(await asked({ parts: ["reddit.posts-0"] }), [LIVE, true]);
    assertEquals(await asked({ parts: ["batch", "reddit.posts-0"] }), [`${MAIN},${LIVE}`, true]);
    assertEquals(await asked({ parts: ["batch"], layer: "speed" }), [MAIN, false]);
    await store.count(1, "top_posts");
    assertEquals(server.asked.at(-1)!.what, `POST /${MAIN},${LIVE}/_count`);
    // What is known of a generation is asked once.
    assertEquals(server.asked.filter(({ what }) => what.endsWith("/_alias")).length, 1);
  },
);

test(
  "a generation of an earlier version has both layers in one index",
  mains,
  async (store, server) => {
    await store.write(1, "top_posts", [OURS, BATCH]);
    assertEquals(bulks(server).map(written), [
      [OURS.id, BATCH.id].map((id) => [`${MAIN}.write`, id]),
    ]);
    await store.get(1, "top_posts", [OURS.id]);
    assertEquals(server.asked.at(-1)!.lines[0].docs, [{ _id: OURS.id }]);
    await store.search(1, "top_posts", { order: "id", limit: 1, layer: "speed" });
    assertEquals(server.asked.at(-1)!.what, `POST /${MAIN}/_search`);
    const watermarks = [{ part: "reddit.posts-0", version: 1, body: 0 }];
    assertEquals(await store.putWatermarks(1, watermarks), "absent");
    assertEquals([await store.watermarks(1), bulks(server).length], [undefined, 1]);
  },
);

test("putWatermarks() writes them once all copies find an operation behind the documents", [
  ...mains,
  ...lives,
], async (store, server) => {
  const watermarks = [{ part: "reddit.posts-0", version: 4, body: { n: 1 } }];
  assertEquals(await store.putWatermarks(1, watermarks), "stored");
  const [barrier, marks] = bulks(server);
  const aliases = lives.map((index) => `${index}.write`);
  assertEquals([barrier!.params.refresh, written(barrier!)], [
    "wait_for",
    aliases.map((alias) => [alias, "watermark"]),
  ]);
  assertEquals([marks!.params.refresh, written(marks!)], [
    "false",
    aliases.map((alias) => [alias, "watermark|reddit.posts-0"]),
  ]);
  assertEquals(marks!.lines[0].index.version_type, "external");
  assertEquals(marks!.lines[1], {
    id: "watermark|reddit.posts-0",
    type: "watermark",
    watermark: watermarks[0],
  });
  assertEquals(bulks(server).map(({ params }) => params.require_alias), ["true", "true"]);
});

test(
  "putWatermarks() writes none after another copy became the primary, or the index is a new one",
  [...mains, ...lives],
  async (store, server, shards) => {
    const put = async () => {
      const before = bulks(server).length;
      const outcome = await store.putWatermarks(1, [{ part: "p-0", version: 1, body: 0 }]);
      return [outcome, bulks(server).length - before];
    };
    await store.write(1, "top_posts", [OURS]);
    shards.term++;
    assertEquals([await put(), await put()], [["lost", 1], ["stored", 2]]);
    shards.term++;
    await store.write(1, "top_posts", [OURS]);
    shards.term--;
    assertEquals([await put(), await put()], [["lost", 1], ["stored", 2]]);
    shards.seq = 0;
    assertEquals([await put(), await put()], [["lost", 1], ["stored", 2]]);
    // What batch writes says nothing about the indices of speed.
    await store.write(1, "top_posts", [BATCH]);
    shards.seq = 100;
    assertEquals(await put(), ["stored", 2]);
  },
);

test(
  "putWatermarks() reports what the server refuses",
  [...mains, ...lives],
  async (store, server) => {
    const good = server.answer;
    const item = (status: number, type: string) => ({ index: { status, error: { type } } });
    const refuse = (items: (n: number) => unknown[]) =>
      server.answer = (asked) =>
        asked.what.endsWith("/_bulk") ? { items: items(asked.lines.length / 2) } : good(asked);
    const put = () => store.putWatermarks(1, [{ part: "p-0", version: 1, body: 0 }]);
    refuse((n) => Array(n).fill(item(404, "index_not_found_exception")));
    await assertRejects(put, Error, "index_not_found_exception");
    refuse((n) => Array(n + 1).fill({ index: { status: 201 } }));
    await assertRejects(put, Error, "has 4 items, not 3");
    // An equal or greater version is stored.
    refuse((n) => Array(n).fill(item(409, "version_conflict_engine_exception")));
    assertEquals(await put(), "stored");
  },
);

test("watermarks() are the least of all views, and none where one view lacks them", [
  ...mains,
  ...lives,
], async (store, server) => {
  const good = server.answer;
  const mark = (part: string, version: number) => ({ part, version, body: { version } });
  const source = (watermark?: object) => ({ _index: "i", _source: { id: "x", watermark } });
  const hits = [
    ...[5, 4, 6].map((version) => source(mark("reddit.posts-1", version))),
    ...[7, 7, 7].map((version) => source(mark("reddit.posts-0", version))),
    ...[1, 2].map((version) => source(mark("reddit.users-0", version))),
    source(),
  ];
  server.answer = (asked) => asked.what.endsWith("/_search") ? { hits: { hits } } : good(asked);
  assertEquals(await store.watermarks(1), [mark("reddit.posts-0", 7), mark("reddit.posts-1", 4)]);
  const { what, params, lines } = server.asked.at(-1)!;
  assertEquals(what, `POST /${lives.join(",")}/_search`);
  assertEquals([params.ignore_unavailable, params.allow_partial_search_results], ["true", "false"]);
  assertEquals(lines[0].query, { term: { type: { value: "watermark" } } });
  server.answer = (asked) => asked.what.endsWith("/_search") ? {} : good(asked);
  assertEquals(await store.watermarks(1), []);
});

test("switchTo() moves all indices of a generation in one step, and hides watermarks", [
  ...mains,
  ...lives,
], async (store, server) => {
  const good = server.answer;
  const next = [...mains, ...lives].map((index) => index.replace("000001", "000002"));
  const alias = (index: string) => index.slice(0, index.indexOf("-"));
  const found = Object.fromEntries([
    ...[...mains, ...lives].map((index) => [index, { aliases: { [alias(index)]: {} } }]),
    ...next.map((index) => [index, { aliases: {} }]),
  ]);
  server.answer = (asked) => asked.what.endsWith("/_alias") ? found : good(asked);
  await store.switchTo(2, 1);
  const { actions } = server.asked.at(-1)!.lines[0];
  const removed = actions.flatMap(({ remove }: { remove?: unknown }) => remove ?? []);
  assertEquals(
    removed,
    [...mains, ...lives].map((index) => ({ index, alias: alias(index), must_exist: true })),
  );
  const added = actions.flatMap(({ add }: { add?: { index: string; filter?: unknown } }) =>
    add ?? []
  );
  assertEquals(added.map(({ index }: { index: string }) => index).sort(), next.toSorted());
  const hidden = { bool: { must_not: [{ term: { type: { value: "watermark" } } }] } };
  for (const { index, filter } of added) {
    assertEquals(filter, index.endsWith("-live") ? hidden : undefined);
  }
  assertEquals(await store.current(), 1);
  assertEquals(await store.generations(), [1, 2]);
  await store.dropGeneration(2);
  const dropped = server.asked.at(-1)!.what.split("/")[1]!.split(",");
  assertEquals(dropped.sort(), next.toSorted());
});
