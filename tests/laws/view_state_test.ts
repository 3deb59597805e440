import { assertEquals } from "@std/assert";
import {
  type Announcement,
  BATCH_PART,
  canonicalJson,
  documentId,
  type Entity,
  type FoldCounts,
  nameKey,
  type RetainedFrom,
  type ViewDocument,
  type ViewSettings,
  ViewState,
} from "@pipeline/core";
import fc from "fast-check";
import { documentsText } from "./_answers.ts";
import { toTheLetter } from "./_layers.ts";
import { anyRecord, anyRetention } from "./_logs.ts";
import { assertBroken, assertHolds } from "./_property.ts";

const SETTINGS: ViewSettings = { userWindows: ["1h", "1d"], maxFuture: 86_400_000 };

/** What a fold is fed instead of a record, where a rule is broken on purpose. */
type Feed = (record: Entity, arrival: number) => Entity;

const asItIs: Feed = (record) => record;

const records = fc.array(anyRecord, { maxLength: 30, size: "max" });

interface Options {
  readonly retained: RetainedFrom;
  readonly feed?: Feed;
}

function fold(log: readonly Entity[], { retained, feed = asItIs }: Options): ViewState {
  const state = new ViewState(SETTINGS, { retained });
  for (const [i, record] of log.entries()) state.add(feed(record, i));
  return state;
}

/** All that is stored of a state, sorted, in bytes. */
function stored(state: ViewState): string[] {
  return [...documentsText(state.documents(BATCH_PART)), ...documentsTextOf(state.announcements())];
}

function documentsTextOf(announcements: Iterable<Announcement>): string[] {
  return [...announcements].map((announcement) => canonicalJson(announcement)).sort();
}

function orderLaw(
  feed: Feed = asItIs,
  view: (state: ViewState) => string[] = stored,
): fc.IProperty<unknown> {
  const shuffled = records.chain((log) =>
    fc.tuple(fc.constant(log), fc.shuffledSubarray(log, { minLength: log.length }))
  );
  return fc.property(shuffled, anyRetention, ([log, other], retained) => {
    const [a, b] = [fold(log, { retained, feed }), fold(other, { retained, feed })];
    assertEquals(view(a), view(b));
    assertEquals(a.counts, b.counts);
  });
}

Deno.test("ViewState is a function of the set of records, not of their order", () => {
  assertHolds(orderLaw(), 500);
});

/** Karma by user: what is left to compare once arrival stands in for the timestamp. */
function karma(state: ViewState): string[] {
  return [...state.documents(BATCH_PART)].flatMap((document) =>
    document.type === "user_total" ? `${document.user_id} ${document.karma}` : []
  ).sort();
}

Deno.test("ViewState would depend on the order if arrival decided between versions", () => {
  assertHolds(orderLaw(asItIs, karma));
  assertBroken(
    orderLaw(
      (record, arrival) =>
        record.kind === "user" ? { ...record, timestamp: 1e14 + arrival } : record,
      karma,
    ),
  );
});

/** Every version that is kept is one than which none is later, by when it was seen. */
function latestLaw(feed: Feed = asItIs): fc.IProperty<unknown> {
  return fc.property(records, anyRetention, (log, retained) => {
    const latest = (of: (record: Entity) => boolean) =>
      log.filter(of).reduce(
        (time, { timestamp, retrieved_utc = -1 }) => Math.max(time, timestamp, retrieved_utc),
        -1,
      );
    for (const document of fold(log, { retained, feed }).documents(BATCH_PART)) {
      if (document.type === "post") {
        const { post_id, subreddit, timestamp } = document;
        const of = (record: Entity) =>
          record.kind === "post" && record.post_id === post_id &&
          nameKey(record.subreddit) === subreddit;
        assertEquals(timestamp, latest(of));
      } else if (document.type === "user_total") {
        const { user_id, karma_timestamp } = document;
        const of = (record: Entity) =>
          record.kind === "user" && nameKey(record.user_id) === user_id;
        assertEquals(karma_timestamp, latest(of));
      }
    }
  });
}

Deno.test("ViewState keeps the version that was seen last: at its timestamp, or retrieved after it", () => {
  assertHolds(latestLaw(), 500);
});

Deno.test("ViewState would keep another version without the time of retrieval", () => {
  assertBroken(latestLaw(({ retrieved_utc: _, ...record }) => record as Entity));
});

/** How names are spelled: what is left to compare where names are what arrival decides. */
function spellings(state: ViewState): string[] {
  return [...state.documents(BATCH_PART)].flatMap((document) =>
    document.type === "subreddit"
      ? `${document.subreddit} ${document.name}`
      : document.type === "user_total"
      ? `${document.user_id} ${document.name}`
      : []
  ).sort();
}

Deno.test("ViewState would depend on the order if arrival decided how names are spelled", () => {
  assertHolds(orderLaw(asItIs, spellings));
  assertBroken(
    orderLaw(
      (record, arrival) =>
        record.kind === "user" ? { ...record, timestamp: 1e14 + arrival } : record,
      spellings,
    ),
  );
});

/** The record with all names in small letters. */
const small: Feed = (record) => {
  const user_id = record.user_id.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (record.kind === "user" || record.subreddit === undefined) return { ...record, user_id };
  const subreddit = record.subreddit.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return { ...record, user_id, subreddit };
};

/** All that is stored of a state but how names are spelled. */
function unspelled(state: ViewState): string[] {
  const documents = [...state.documents(BATCH_PART)].map((document): ViewDocument => {
    switch (document.type) {
      case "post":
        return { ...document, user_id: "" };
      case "subreddit":
      case "user_total":
        return { ...document, name: "" };
      default:
        return document;
    }
  });
  return [...documentsText(documents), ...documentsTextOf(state.announcements())];
}

function caseLaw(feed: Feed = asItIs): fc.IProperty<unknown> {
  return fc.property(records, anyRetention, (log, retained) => {
    const [written, folded] = [fold(log, { retained, feed }), fold(log, { retained, feed: small })];
    assertEquals(unspelled(written), unspelled(folded));
    assertEquals(written.counts, folded.counts);
    assertEquals(written.keys, folded.keys);
  });
}

Deno.test("ViewState is the same, but for how names are spelled, whatever the case of names", () => {
  assertHolds(caseLaw(), 500);
});

Deno.test("ViewState would differ by the case of names if they were compared to the letter", () => {
  assertBroken(caseLaw(toTheLetter));
});

function redeliveryLaw(feed: Feed = asItIs): fc.IProperty<unknown> {
  const redelivered = records.chain((log) =>
    fc.tuple(fc.constant(log), fc.array(fc.nat(Math.max(0, log.length - 1)), { maxLength: 10 }))
  ).map(([log, again]) => ({
    log,
    redelivered: [...log, ...again.flatMap((i) => log.slice(i, i + 2))],
  }));
  return fc.property(redelivered, anyRetention, ({ log, redelivered }, retained) => {
    const [once, again] = [fold(log, { retained }), fold(redelivered, { retained, feed })];
    assertEquals(stored(again), stored(once));
    assertEquals(lasting(again.counts), lasting(once.counts));
    assertEquals(again.keys, once.keys);
  });
}

/** Counts of what is there, not of what came. */
function lasting({ announcements, unresolved }: FoldCounts): Partial<FoldCounts> {
  return { announcements, unresolved };
}

Deno.test("ViewState folds repeated records without a trace, except in its counts of records", () => {
  assertHolds(redeliveryLaw(), 500);
});

Deno.test("ViewState would count records twice if announcements were not identified by their id", () => {
  assertBroken(
    redeliveryLaw((record, arrival) =>
      record.kind === "comment"
        ? { ...record, comment_id: `${record.comment_id} ${arrival}` }
        : record
    ),
  );
});

Deno.test("ViewState continues from its stored form as if it had folded all records itself", () => {
  const cut = records.chain((log) => fc.tuple(fc.constant(log), fc.nat(log.length)));
  const property = fc.property(cut, anyRetention, fc.nat(), ([log, at], retained, rotate) => {
    const before = fold(log.slice(0, at), { retained });
    const documents = turn([...before.documents(BATCH_PART)], rotate);
    const announcements = turn([...before.announcements()], rotate);
    const restored = new ViewState(SETTINGS, { retained });
    for (const document of documents) restored.restore(JSON.parse(JSON.stringify(document)));
    for (const announcement of announcements) {
      restored.restoreAnnouncement(JSON.parse(JSON.stringify(announcement)));
    }
    assertEquals(stored(restored), stored(before));
    for (const record of log.slice(at)) restored.add(record);
    const whole = fold(log, { retained });
    assertEquals(stored(restored), stored(whole));
    assertEquals(lasting(restored.counts), lasting(whole.counts));
  });
  assertHolds(property, 500);
});

/** The stored form may be read in any order. */
function turn<T>(items: T[], by: number): T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)].reverse();
}

Deno.test("ViewState.takeChanged() gives each key that changed, whole, however often it is asked", () => {
  const flushes = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });
  assertHolds(fc.property(records, flushes, anyRetention, (log, flush, retained) => {
    const state = new ViewState(SETTINGS, { retained, track: true });
    const known = new Map<string, ViewDocument>();
    const take = () => {
      const changed = state.takeChanged("reddit.posts-0");
      const ids = changed.map(documentId);
      assertEquals(new Set(ids).size, ids.length);
      for (const [i, document] of changed.entries()) known.set(ids[i]!, document);
      assertEquals(state.takeChanged("reddit.posts-0"), []);
    };
    for (const [i, record] of log.entries()) {
      state.add(record);
      if (flush[i]) take();
    }
    take();
    const counted = [...known.values()].filter((document) =>
      document.type !== "user_window" || document.posts > 0 || document.comments > 0
    );
    assertEquals(documentsText(counted), documentsText(state.documents("reddit.posts-0")));
    const announced = new Set([...state.announcements()].map(({ kind, id }) => `${kind} ${id}`));
    assertEquals(state.keys, known.size + announced.size);
  }));
});

/** @param late records that are folded before tracking is switched on, beyond those that should be. */
function trackLaw(late = 0): fc.IProperty<unknown> {
  const cut = records.chain((log) => fc.tuple(fc.constant(log), fc.nat(log.length)));
  return fc.property(cut, anyRetention, ([log, at], retained) => {
    const [always, later] = [true, false].map((track) =>
      new ViewState(SETTINGS, { retained, track })
    ) as [ViewState, ViewState];
    for (const [i, record] of log.entries()) {
      if (i === at) always.takeChanged(BATCH_PART);
      if (i === at + late) later.track = true;
      always.add(record);
      later.add(record);
    }
    if (at === log.length) always.takeChanged(BATCH_PART);
    assertEquals(later.takeChanged(BATCH_PART), always.takeChanged(BATCH_PART));
    assertEquals(stored(later), stored(always));
  });
}

Deno.test("ViewState.takeChanged() gives what changed since tracking was switched on", () => {
  assertHolds(trackLaw());
});

Deno.test("ViewState.takeChanged() would miss changes if tracking were switched on a record late", () => {
  assertBroken(trackLaw(1));
});

Deno.test("ViewState keeps no window before the first retained one, and all that follow", () => {
  assertHolds(fc.property(records, anyRetention, (log, retained) => {
    const all = [...fold(log, { retained: { "1m": 0, "1h": 0, "1d": 0 } }).documents(BATCH_PART)];
    const kept = [...fold(log, { retained }).documents(BATCH_PART)];
    const isKept = (document: ViewDocument) =>
      !("window_start" in document) || document.window_start >= retained[document.window];
    // An announcement on a day that is not retained counts in no total.
    const comparable = (documents: ViewDocument[]) =>
      documentsText(
        documents.filter(isKept).map((document) =>
          document.type === "user_total" ? { ...document, posts: 0, comments: 0 } : document
        ),
      );
    assertEquals(comparable(kept), comparable(all));
    assertEquals(kept.filter((document) => !isKept(document)), []);
  }));
});
