import { assert, assertEquals } from "@std/assert";
import { compose, type DaySource } from "@pipeline/batch";
import {
  BATCH_PART,
  type Comment,
  DAY,
  type Entity,
  isAnnouncement,
  NO_SPELLING,
  type RetainedFrom,
  type ViewDocument,
  type ViewSettings,
  ViewState,
} from "@pipeline/core";
import fc from "fast-check";
import { answersOf, documentsText, textOf } from "./_answers.ts";
import { anyRecord, anyRetention } from "./_logs.ts";
import { assertHoldsAsync } from "./_property.ts";

const SETTINGS: ViewSettings = { userWindows: ["1h", "1d"], maxFuture: 86_400_000 };
const EVERYTHING: RetainedFrom = { "1m": 0, "1h": 0, "1d": 0 };

const records = fc.array(anyRecord, { maxLength: 30, size: "max" });

function fold(log: readonly Entity[], retained = EVERYTHING): ViewState {
  const state = new ViewState(SETTINGS, { retained });
  for (const record of log) state.add(record);
  return state;
}

/** The records' days as batch stores them. */
function daysOf(log: readonly Entity[]): DaySource[] {
  const days = Map.groupBy(log, ({ timestamp }) => timestamp - timestamp % DAY);
  return [...days].sort(([a], [b]) => a - b).map(([day, records]) => {
    const state = fold(records);
    const stored: ViewDocument[] = JSON.parse(JSON.stringify([...state.documents(BATCH_PART)]));
    const sections = {
      posts: stored.filter(({ type }) => type === "post" || type === "subreddit"),
      users: stored.filter((document) => document.type === "user_total"),
      windows: stored.filter((document) => "window" in document),
    };
    return {
      day,
      unresolved: () => Promise.resolve(state.counts.unresolved),
      read: (section) => Promise.resolve(sections[section]),
      announcements: () => Promise.resolve([...state.announcements()]),
    };
  });
}

async function composed(log: readonly Entity[], retained = EVERYTHING) {
  const options = { settings: SETTINGS, retained, keep: Infinity };
  const { unresolved, documents } = await compose(daysOf(log), options);
  const all: ViewDocument[] = [];
  for await (const chunk of documents()) all.push(...chunk);
  return { unresolved, documents: all };
}

Deno.test("compose() gives the documents of one fold of all days, whatever is retained", async () => {
  const known = records.map((log) =>
    log.filter((record) => record.kind !== "comment" || record.subreddit !== undefined)
  );
  await assertHoldsAsync(
    fc.asyncProperty(known, anyRetention, async (log, retained) => {
      const { documents, unresolved } = await composed(log, retained);
      assertEquals(
        documentsText(documents),
        documentsText(fold(log, retained).documents(BATCH_PART)),
      );
      assertEquals(unresolved, 0);
    }),
    200,
  );
});

/** Logs in which each announcement is produced once, and each post stays in one place. */
const homely = records.map((log) => {
  const announced = new Set<string>();
  return log.map((record, i): Entity => {
    if (record.kind === "comment") return { ...record, comment_id: `c${i}` };
    if (record.kind === "user") return record;
    const name = `${record.post_id} ${record.created_utc}`;
    const again = isAnnouncement(record) && announced.has(name);
    announced.add(name);
    const timestamp = record.timestamp + (again ? 1 : 0);
    return { ...record, subreddit: homeOf(record.post_id), timestamp };
  });
});

function homeOf(postId: string): string {
  return postId < "r" ? "a" : "b";
}

/** The comment as it would be had its producer known all posts of the log. */
function resolved(comment: Comment, log: readonly Entity[]): Comment {
  const { post_id, subreddit } = comment;
  const isKnown = log.some((record) => record.kind === "post" && record.post_id === post_id);
  return subreddit === undefined && isKnown ? { ...comment, subreddit: homeOf(post_id) } : comment;
}

function isUnresolved(record: Entity): record is Comment {
  return record.kind === "comment" && isAnnouncement(record) && record.subreddit === undefined;
}

/** The documents without the spellings of subreddits, which found ones do not write. */
function unspelled(documents: Iterable<ViewDocument>): ViewDocument[] {
  return [...documents].map((document) =>
    document.type === "subreddit" ? { ...document, ...NO_SPELLING } : document
  );
}

Deno.test("compose() finds subreddits as if the producers had known them", async () => {
  await assertHoldsAsync(
    fc.asyncProperty(homely, async (log) => {
      const { documents, unresolved } = await composed(log);
      const told = log.map((record) => isUnresolved(record) ? resolved(record, log) : record);
      assertEquals(
        documentsText(unspelled(documents)),
        documentsText(unspelled(fold(told).documents(BATCH_PART))),
      );
      assertEquals(unresolved, told.filter(isUnresolved).length);
    }),
    200,
  );
});

Deno.test("comments of an unknown subreddit are all that the merged answer lacks, and are counted", async () => {
  let lacking = 0;
  const cut = homely.chain((log) => fc.tuple(fc.constant(log), fc.nat(log.length)));
  await assertHoldsAsync(
    fc.asyncProperty(cut, async ([log, at]) => {
      const [below, beyond] = [log.slice(0, at), log.slice(at)];
      const [whole, batch] = [await composed(log), await composed(below)];
      const speed = fold(beyond);

      const missing = log.flatMap((record, i) => {
        if (!isUnresolved(record)) return [];
        const now = i < at ? resolved(record, below) : record;
        const then = resolved(record, log);
        return now.subreddit === undefined && then.subreddit !== undefined ? [then] : [];
      });
      lacking += missing.length;
      const reported = batch.unresolved + speed.counts.unresolved;
      assertEquals(missing.length, reported - whole.unresolved);

      // What each lacks beside its author's counts, which both layers have.
      const repair = [...fold(missing).documents("missing")].flatMap((document): ViewDocument[] =>
        document.type === "activity"
          ? [document]
          : document.type === "user_total"
          ? [{ ...document, comments: 0 }]
          : []
      );
      const merged = [...batch.documents, ...speed.documents("reddit.comments-0"), ...repair];
      assertEquals(textOf(answersOf(merged)), textOf(answersOf(whole.documents)));
    }),
    200,
  );
  assert(lacking > 50, `Only ${lacking} comments lacked a subreddit`);
});
