/**
 * What speed's copy writes a record, by the time between its passes: as users lie in documents, and
 * in two ways with one document a user, part and day in place of two (ADR 15). The model's records
 * are folded in virtual time, within one day, and nothing is stored.
 *
 * @module
 */

import {
  DEFAULT_PARTITIONS,
  DEFAULT_SETTINGS,
  documentId,
  type Entity,
  keyOf,
  nameKey,
  partitionFor,
  topicOf,
  type UserTotalDocument,
  type UserWindowDocument,
  type ViewDocument,
  ViewState,
} from "@pipeline/core";
import { Model } from "@pipeline/generator";
import { type Figure, ratio } from "./_figure.ts";

const START = Date.UTC(2026, 0, 1, 12);
const RECORDS_A_MILLISECOND = 5;

/** Seconds from one pass to the next. The second pass counts, the first one has too few keys. */
const INTERVALS = [30, 120, 240];

/** The layouts of users. */
const LAYOUTS = ["day and total", "day, rest in the total", "latest day with the rest"] as const;
type Layout = (typeof LAYOUTS)[number];

/** Documents of a pass, and their bytes. */
interface Size {
  documents: number;
  bytes: number;
}

/** Runs the benchmark. */
export function copy(): Promise<Figure[]> {
  return Promise.resolve(INTERVALS.flatMap(figures));
}

function figures(seconds: number): Figure[] {
  const model = new Model({ seed: 1, run: 1 });
  const parts = new Map<string, Part>();
  let sizes = noSizes();
  for (const pass of [0, 1]) {
    for (let ms = pass * seconds * 1000; ms < (pass + 1) * seconds * 1000; ms++) {
      for (let i = 0; i < RECORDS_A_MILLISECOND; i++) {
        const record = model.next(START + ms);
        const name = `${topicOf(record)}-${partitionFor(keyOf(record), DEFAULT_PARTITIONS)}`;
        if (!parts.has(name)) parts.set(name, new Part(name));
        parts.get(name)!.add(record);
      }
    }
    sizes = noSizes();
    for (const part of parts.values()) part.write(sizes);
  }
  const records = seconds * 1000 * RECORDS_A_MILLISECOND;
  const today = sizes[LAYOUTS[0]];
  return LAYOUTS.map((layout) => {
    const { documents, bytes } = sizes[layout];
    const size = ratio(bytes / documents / (today.bytes / today.documents));
    return {
      what: `a pass every ${seconds} s: ${layout}`,
      value: `${(documents / records).toFixed(3)} documents, ` +
        `${Math.round(bytes / records)} bytes a record`,
      against: `${ratio(documents / today.documents)} x documents, ` +
        `${ratio(bytes / today.bytes)} x bytes, ${size} x bytes a document`,
    };
  });
}

function noSizes(): Record<Layout, Size> {
  const none = () => ({ documents: 0, bytes: 0 });
  return {
    "day and total": none(),
    "day, rest in the total": none(),
    "latest day with the rest": none(),
  };
}

/** A topic-partition. */
class Part {
  readonly #name: string;
  readonly #state = new ViewState(DEFAULT_SETTINGS, { track: true });
  /** The day of each user who has one. All records are of one day. */
  readonly #days = new Map<string, UserWindowDocument>();
  /** Users of whom something has changed that no announcement brought. */
  readonly #rest = new Set<string>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Folds a record. */
  add(record: Entity): void {
    this.#state.add(record);
    const announces = record.kind !== "user" && record.timestamp === record.created_utc;
    // Users do not take in later versions of comments.
    if (!announces && record.kind !== "comment") this.#rest.add(nameKey(record.user_id));
  }

  /** Adds what has changed since the last call, in each layout. */
  write(sizes: Record<Layout, Size>): void {
    const {
      "day and total": today,
      "day, rest in the total": withRest,
      "latest day with the rest": latest,
    } = sizes;
    const changed = this.#state.takeChanged(this.#name);
    const days = new Map<string, UserWindowDocument>();
    for (const document of changed) {
      count(today, document);
      if (document.type === "user_window") days.set(document.user_id, document);
      else if (document.type !== "user_total") {
        count(withRest, document);
        count(latest, document);
      }
    }
    for (const [user, day] of days) this.#days.set(user, day);
    for (const total of changed) {
      if (total.type !== "user_total") continue;
      const { user_id } = total;
      const day = days.get(user_id);
      if (day !== undefined) count(withRest, day, carried(total));
      if (this.#rest.has(user_id)) count(withRest, { ...total, ...NO_ANNOUNCEMENTS });
      const carrier = this.#days.get(user_id);
      if (carrier === undefined) count(latest, total);
      else count(latest, carrier, carried(total));
    }
    this.#rest.clear();
  }
}

/** What the rest of a total has of announcements. */
const NO_ANNOUNCEMENTS = { posts: 0, comments: 0, subreddits: "", last_active: -1 };

/** What a day carries of its user's total: no account where no record of the part has one. */
function carried(total: UserTotalDocument): Partial<UserTotalDocument> {
  const { name, name_timestamp, subreddits, last_active } = total;
  const rest = { name, name_timestamp, subreddits, last_active };
  if (total.karma_timestamp < 0) return rest;
  const { karma_timestamp, karma, username } = total;
  return { ...rest, karma_timestamp, karma, username };
}

function count(size: Size, document: ViewDocument, more: object = {}): void {
  size.documents++;
  size.bytes += JSON.stringify({ id: documentId(document), ...document, ...more }).length;
}
