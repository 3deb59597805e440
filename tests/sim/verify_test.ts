/** That `verify` finds what is wrong: each kind of document, record and ledger entry. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BATCH_PART,
  documentId,
  hashBytes,
  type ServingStore,
  type StoredDocument,
  type ViewDocument,
  viewOf,
} from "@pipeline/core";
import { type Difference, type LedgerEntry, verify } from "@pipeline/batch";
import { type Commit, CommitLog, readLines } from "@pipeline/protocol";
import { Stage } from "./_stage.ts";

type Change = (documents: readonly StoredDocument[]) => readonly StoredDocument[];

/** A store that answers with other documents than it has. */
function tampered(store: ServingStore, change: Change): ServingStore {
  const all = async (generation: number, view: Parameters<ServingStore["search"]>[1]) =>
    change((await store.search(generation, view, { order: "id", limit: 10_000 })).documents);
  return Object.assign(Object.create(store) as ServingStore, {
    current: () => store.current(),
    control: (id: string) => store.control(id),
    controls: (prefix: string) => store.controls(prefix),
    watermarks: (generation: number) => store.watermarks(generation),
    async search(
      generation: number,
      view: Parameters<ServingStore["search"]>[1],
      query: Parameters<ServingStore["search"]>[2],
    ) {
      const documents = (await all(generation, view)).filter(({ body }) =>
        viewOf(body) === view &&
        (query.layer === undefined || (body.part === BATCH_PART) === (query.layer === "batch"))
      );
      return { documents: query.after === undefined ? documents : [], complete: true };
    },
    async get(
      generation: number,
      view: Parameters<ServingStore["search"]>[1],
      ids: readonly string[],
    ) {
      const documents = await all(generation, view);
      return ids.map((id) => documents.find((document) => document.id === id));
    },
  });
}

/** A world with documents of every type in both parts, at rest. */
async function served(): Promise<Stage> {
  const stage = new Stage();
  await stage.world.produce(80);
  await stage.restart();
  await stage.drain();
  await stage.do(stage.batch({ keep: 2 }));
  await stage.world.produce(80);
  await stage.drain();
  return stage;
}

const stage = await served();
const { ports } = stage.world;

async function differences(change: Change): Promise<readonly Difference[]> {
  const store = tampered(ports.store, change);
  const { exact, first, differences } = await verify({ ...ports, store });
  assertEquals(exact, differences === 0);
  return first;
}

Deno.test("verify() finds nothing where nothing is wrong", async () => {
  const report = await verify({ ...ports, merged: true, ledger: stage.world.ledger() });
  assertEquals(report.first, []);
  assert(report.exact && report.batch_documents > 0 && report.speed_documents > 0);
  assertEquals(await differences((documents) => documents), []);
});

function changed(body: ViewDocument): ViewDocument {
  switch (body.type) {
    case "post":
    case "cut":
      return { ...body, score: body.score + 1 };
    case "subreddit":
      return { ...body, name: body.name.toUpperCase() + "!" };
    case "user_total":
      return { ...body, karma: body.karma - 1 };
    default:
      return { ...body, comments: body.comments + 1 };
  }
}

function elsewhere(body: ViewDocument): ViewDocument {
  return "subreddit" in body ? { ...body, subreddit: "none" } : { ...body, user_id: "none" };
}

const TYPES = ["post", "cut", "subreddit", "activity", "user_window", "user_total"] as const;

for (const layer of ["batch", "speed"] as const) {
  for (const type of TYPES) {
    // Only batch cuts.
    if (type === "cut" && layer === "speed") continue;
    const isOne = ({ body }: StoredDocument) =>
      body.type === type && (body.part === BATCH_PART) === (layer === "batch");
    const name = `${type} document of ${layer}`;

    Deno.test(`verify() finds a changed ${name}`, async () => {
      let id = "";
      const [found, ...more] = await differences((documents) => {
        const victim = documents.find(isOne);
        if (victim === undefined) return documents;
        id = victim.id;
        const other = { ...victim, body: changed(victim.body) };
        return documents.map((document) => document === victim ? other : document);
      });
      assertEquals([found?.check, more.length], [layer, 0]);
      assertStringIncludes(found!.what, id);
      assert(found!.expected !== undefined && found!.found !== undefined);
    });

    Deno.test(`verify() finds a missing ${name}`, async () => {
      let id = "";
      const [found, ...more] = await differences((documents) => {
        const victim = documents.find(isOne);
        id = victim?.id ?? id;
        return documents.filter((document) => document !== victim);
      });
      assertEquals([found?.check, found?.found, more.length], [layer, undefined, 0]);
      assertStringIncludes(found!.what, id);
    });

    Deno.test(`verify() finds a ${name} that must not be there`, async () => {
      let id = "";
      const [found, ...more] = await differences((documents) => {
        const model = documents.find(isOne);
        if (model === undefined) return documents;
        const body = elsewhere(model.body);
        id = documentId(body);
        return [...documents, { id, version: model.version, body }];
      });
      assertEquals([found?.check, found?.expected, more.length], [layer, undefined, 0]);
      assertStringIncludes(found!.what, id);
    });
  }
}

Deno.test("verify() finds a document of speed that is older than what speed announced", async () => {
  const stale = await served();
  const { store } = stale.world.ports;
  const generation = (await store.current())!;
  const query = { order: "id", layer: "speed", type: "user_total", limit: 10_000 } as const;
  const early = (await store.search(generation, "user_activity", query)).documents;
  await stale.world.produce(120);
  await stale.drain();
  const late = (await store.search(generation, "user_activity", query)).documents;
  const old = early.find((before) =>
    late.find((d) => d.id === before.id)!.version > before.version
  )!;
  const { exact, first } = await verify({
    ...stale.world.ports,
    store: tampered(store, (documents) => documents.map((d) => d.id === old.id ? old : d)),
  });
  assert(!exact);
  assertEquals(first.length, 1);
  assertEquals([first[0]!.check, first[0]!.found], ["speed", old.version]);
  assertStringIncludes(first[0]!.what, old.id);
  assertStringIncludes(String(first[0]!.expected), "a version of at least");
});

Deno.test("verify() finds a wrong and a doubled entry of a ledger", async () => {
  const entries: LedgerEntry[] = [];
  for await (const entry of stage.world.ledger()) entries.push(entry);
  const check = async (changed: readonly LedgerEntry[]) => {
    const ledger = (async function* () {
      yield* changed;
    })();
    return (await verify({ ...ports, ledger })).first;
  };
  const victim = entries.find((entry) => entry.hash !== "0000000000000000")!;
  const at = `${victim.topic}-${victim.partition}@${victim.offset}`;
  const wrong = { ...victim, hash: "0123456789abcdef" };
  const [changed, ...rest] = await check(entries.map((e) => e === victim ? wrong : e));
  assertEquals([changed?.check, changed?.expected], ["ledger", "once in the dataset"]);
  assertStringIncludes(changed!.what, at);
  assertEquals(rest, []);
  const [twice] = await check([...entries, victim]);
  assertStringIncludes(twice!.what, at);
  assertEquals(twice!.found, "two");
});

/** Replaces a commit of the log of commits, as no writer can. */
async function forge(world: Stage, change: (lines: string[]) => string[]): Promise<void> {
  const { dataset } = world.world.ports;
  const { commits } = await new CommitLog(dataset).read("reddit.comments", 0);
  const commit = commits.find((c) => c.files.some((f) => f.records > 1))!;
  const file = commit.files.find((f) => f.records > 1)!;
  const lines = change(await readLines(dataset, file));
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  dataset.damage(`/data/${file.path}`, () => bytes);
  const other = { ...file, records: lines.length, bytes: bytes.length, hash: hashBytes(bytes) };
  const forged: Commit = {
    ...commit,
    records: commit.records - file.records + lines.length,
    files: commit.files.map((f) => f.path === file.path ? other : f),
  };
  const path = `/data/_commits/reddit.comments/0/${String(commit.start).padStart(20, "0")}`;
  dataset.damage(path, () => new TextEncoder().encode(JSON.stringify(forged)));
}

Deno.test("verify() finds a record that is missing from the dataset", async () => {
  const world = await served();
  await forge(world, (lines) => lines.slice(1));
  const { first } = await verify({ ...world.world.ports, ledger: world.world.ledger() });
  const found = first.filter(({ check }) => check === "ledger");
  assertEquals(found.map((d) => d.expected), ["once in the dataset"]);
  assertStringIncludes(found[0]!.what, "reddit.comments-0@");
});

Deno.test("verify() finds a record that is in the dataset twice", async () => {
  const world = await served();
  await forge(world, (lines) => [lines[0]!, ...lines]);
  const { first } = await verify({ ...world.world.ports, ledger: world.world.ledger() });
  const found = first.filter(({ check }) => check === "ledger");
  assertEquals(found.length, 1);
  assertStringIncludes(found[0]!.what, "reddit.comments-0@");
  assertStringIncludes(String(found[0]!.expected), "at most");
});
