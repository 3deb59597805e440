/**
 * What a state answers to questions is what a reader finds who reads all of its documents: by key,
 * by any query, and in sums. Asking leaves no trace.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  compareUtf8,
  documentId,
  documentKey,
  type Entity,
  page,
  type PartQuery,
  type RetainedFrom,
  type StoredDocument,
  type SubredditTotal,
  type ViewDocument,
  type ViewName,
  viewOf,
  VIEWS,
  type ViewSettings,
  ViewState,
  type WindowName,
  type WindowRange,
  withPart,
} from "@pipeline/core";
import fc from "fast-check";
import { anyRecord, anyRetention } from "./_logs.ts";
import { assertBroken, assertHolds } from "./_property.ts";

const PART = "reddit.posts-0";
const FIRST = Date.UTC(2026, 0, 31, 23, 59);

/** Names in several spellings, of which only keys are found, and some that no record has. */
const name = fc.constantFrom(
  ...["a", "A", "b", "constructor", "Constructor", "u", "U", "v", "é", "É"],
  ...["__proto__", "__PROTO__", "nobody", "", "\ufffd", "\ud800", "a|b"],
);
/** Starts of windows, moments beside them, and times far from all records. */
const time = fc.constantFrom(
  ...[0, -1, 60_000, 3_660_000, 86_460_000, 86_400_000, -86_340_000, 30_000].map((t) => FIRST + t),
  ...[0, -1, 1e15, -86_400_000],
);
const size = fc.constantFrom<WindowName>("1m", "1h", "1d", "1w" as WindowName);
const view = fc.constantFrom(...VIEWS);
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 2 });

/** Leaves out what is undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ReturnType<typeof defined<T>>;
}

/** Mostly those that serving asks for, and some that nobody does. */
const anyQuery: fc.Arbitrary<PartQuery> = fc.record({
  type: optional(
    fc.constantFrom<ViewDocument["type"]>(
      ...["post", "cut", "subreddit", "activity", "user_window", "user_total"] as const,
    ),
  ),
  subreddit: optional(name),
  user_id: fc.option(name, { nil: undefined, freq: 1 }),
  window: optional(size),
  from: optional(time),
  to: optional(time),
  order: fc.constantFrom("id", "rank", "window", "latest"),
  limit: fc.constantFrom(0, 1, 2, 3, 5, 10_000),
}).map((fields) => defined(fields) as PartQuery);

const anyRange: fc.Arbitrary<WindowRange> = fc.record({ window: size, from: time, to: time });

/** Texts of all forms of keys, and some of none. */
const anyKey = fc.oneof(
  fc.tuple(fc.constantFrom("cut", "name", "total", "post", "1m", "nothing"), name)
    .map(([kind, name]) => `${kind}|${name}`),
  fc.tuple(name, fc.constantFrom("p", "P", "q", "toString", ""))
    .map(([name, id]) => `post|${name}|${id}`),
  fc.tuple(size, time, name).map((fields) => fields.join("|")),
);

/** How a state comes about: part of it may be restored, in any order and with holes. */
interface Origin {
  readonly stored: readonly Entity[];
  readonly left: readonly boolean[];
  readonly folded: readonly Entity[];
  readonly retained: RetainedFrom;
  readonly settings: ViewSettings;
}

const anyOrigin: fc.Arbitrary<Origin> = fc.record({
  stored: fc.oneof(fc.constant([]), fc.array(anyRecord, { maxLength: 10, size: "max" })),
  left: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  folded: fc.array(anyRecord, { maxLength: 30, size: "max" }),
  retained: anyRetention,
  settings: fc.constantFrom<ViewSettings>(
    { userWindows: ["1d"], maxFuture: 0 },
    { userWindows: ["1m", "1h", "1d"], maxFuture: 0 },
  ),
});

function restored({ stored, left, retained, settings }: Origin): ViewState {
  const before = new ViewState(settings, { retained });
  for (const record of stored) before.add(record);
  const state = new ViewState(settings, { retained, track: true });
  const documents = [...before.documents(PART)].reverse();
  for (const [i, document] of documents.entries()) {
    if (left[i % left.length]) state.restore(document);
  }
  return state;
}

function stateOf(origin: Origin): ViewState {
  const state = restored(origin);
  for (const record of origin.folded) state.add(record);
  return state;
}

function storedDocuments(state: ViewState, view: ViewName): StoredDocument[] {
  return [...state.documents(PART)].filter((document) => viewOf(document) === view)
    .map((body) => ({ id: documentId(body), version: 1, body }));
}

/** How a reader answers a query who reads all documents. */
type Reader = (documents: readonly StoredDocument[], query: PartQuery) => StoredDocument[];

function searchLaw(read: Reader = page): fc.IProperty<unknown> {
  const queries = fc.array(fc.tuple(view, anyQuery), { minLength: 10, maxLength: 10 });
  return fc.property(anyOrigin, queries, (origin, queries) => {
    const state = stateOf(origin);
    for (const [view, query] of queries) {
      const expected = read(storedDocuments(state, view), query).map(({ body }) => body);
      assertEquals(state.search(PART, view, query), expected);
    }
  });
}

Deno.test("ViewState.search() gives the page that any query selects of all documents", () => {
  assertHolds(searchLaw(), 1000);
});

Deno.test("ViewState.search() would differ from an order in which ids did not decide between ties", () => {
  assertBroken(searchLaw((documents, query) => {
    const all = page(documents, { ...query, limit: documents.length });
    const start = ({ body }: StoredDocument) => "window_start" in body ? body.window_start : -1;
    if (query.order !== "latest") return all.slice(0, query.limit);
    return all.sort((a, b) => start(b) - start(a) || compareUtf8(b.id, a.id)).slice(0, query.limit);
  }));
});

Deno.test("ViewState.search() would differ from one whose ranges included their end", () => {
  assertBroken(
    searchLaw((documents, query) =>
      page(documents, query.to === undefined ? query : { ...query, to: query.to + 1 })
    ),
  );
});

/** How a reader finds a document by its key in all documents. */
type Finder = (documents: readonly StoredDocument[], key: string) => ViewDocument | undefined;

const findById: Finder = (documents, key) =>
  documents.find(({ id }) => id === withPart(PART, key))?.body;

function getLaw(find: Finder = findById): fc.IProperty<unknown> {
  const keys = fc.array(anyKey, { minLength: 20, maxLength: 20 });
  return fc.property(anyOrigin, keys, (origin, keys) => {
    const state = stateOf(origin);
    const known = [...state.documents(PART)].map((document) => documentKey(document));
    for (const view of VIEWS) {
      const documents = storedDocuments(state, view);
      for (const key of [...known, ...known.map((key) => key.toUpperCase()), ...keys]) {
        assertEquals(state.get(PART, view, key), find(documents, key), key);
      }
    }
  });
}

Deno.test("ViewState.get() gives the document that has the id, and for all other keys none", () => {
  assertHolds(getLaw(), 500);
});

Deno.test("ViewState.get() would find more if keys were compared as names are", () => {
  assertBroken(getLaw((documents, key) => findById(documents, key.toLowerCase())));
});

Deno.test("ViewState.get() gives what takeChanged() gave, but for windows without announcements", () => {
  assertHolds(fc.property(anyOrigin, (origin) => {
    const state = stateOf({ ...origin, stored: [] });
    for (const document of state.takeChanged(PART)) {
      const found = state.get(PART, viewOf(document), documentKey(document));
      const isEmpty = document.type === "user_window" &&
        document.posts <= 0 && document.comments <= 0;
      assertEquals(found, isEmpty ? undefined : document);
    }
  }));
});

/** The sums of documents by subreddit, in the order of names. */
function sums(documents: Iterable<ViewDocument>, { window, from, to }: WindowRange) {
  const totals = new Map<string, SubredditTotal>();
  for (const document of documents) {
    if (document.type !== "activity" || document.window !== window) continue;
    const { subreddit, window_start, posts, comments } = document;
    if (window_start < from || window_start >= to || posts + comments === 0) continue;
    const before = totals.get(subreddit) ?? { posts: 0, comments: 0 };
    totals.set(subreddit, {
      subreddit,
      posts: before.posts + posts,
      comments: before.comments + comments,
    });
  }
  return inOrder([...totals.values()]);
}

function inOrder(totals: readonly SubredditTotal[]): SubredditTotal[] {
  return [...totals].sort((a, b) => compareUtf8(a.subreddit, b.subreddit));
}

function totalsLaw(change: (range: WindowRange) => WindowRange = (range) => range) {
  const ranges = fc.array(anyRange, { minLength: 10, maxLength: 10 });
  return fc.property(anyOrigin, ranges, (origin, ranges) => {
    const state = stateOf(origin);
    for (const range of ranges) {
      assertEquals(inOrder(state.totals(range)), sums(state.documents(PART), change(range)));
    }
  });
}

Deno.test("ViewState.totals() gives the sums of the documents in a range", () => {
  assertHolds(totalsLaw(), 500);
});

Deno.test("ViewState.totals() would differ from sums without the first window of a range", () => {
  assertBroken(totalsLaw((range) => ({ ...range, from: range.from + 1 })));
});

Deno.test("ViewState is the same whatever it was asked meanwhile", () => {
  const asked = fc.array(fc.tuple(view, anyQuery, anyKey, anyRange), {
    minLength: 5,
    maxLength: 5,
  });
  assertHolds(fc.property(anyOrigin, asked, (origin, questions) => {
    const [asked, left] = [restored(origin), restored(origin)];
    for (const [i, record] of origin.folded.entries()) {
      const [view, query, key, range] = questions[i % questions.length]!;
      asked.search(PART, view, query);
      asked.get(PART, view, key);
      asked.totals(range);
      asked.add(record);
      left.add(record);
    }
    assertEquals(asked.takeChanged(PART), left.takeChanged(PART));
    assertEquals([...asked.documents(PART)], [...left.documents(PART)]);
    assertEquals([asked.keys, asked.counts], [left.keys, left.counts]);
  }));
});
