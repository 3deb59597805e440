/**
 * Writes the batch part of a generation into the store.
 *
 * @module
 */

import {
  documentId,
  type MasterDataset,
  type RetainedFrom,
  type ServingStore,
  type StoredDocument,
  type ViewName,
  viewOf,
  VIEWS,
  type ViewSettings,
} from "@pipeline/core";
import { compose, type DaySource } from "./compose.ts";
import { type DayState, readAnnouncements, readSection } from "./state.ts";

/** What {@linkcode publish} works with. */
export interface PublishOptions {
  /** Where the records, commits and states are. */
  readonly dataset: MasterDataset;
  /** Where the views are. */
  readonly store: ServingStore;
  /** Counts from 1. */
  readonly generation: number;
  /** The states of all days, in order. */
  readonly days: readonly DayState[];
  /** What the views are computed with. */
  readonly settings: ViewSettings;
  /** The first windows that are kept. */
  readonly retained: RetainedFrom;
  /** Most posts that are published a subreddit. */
  readonly keep: number;
  /** Documents that are written, and an estimate of how many there are in all. */
  readonly onWritten: (written: number, estimate: number) => void;
  /** Called now and then: keeps a lease alive. */
  readonly renew: () => Promise<void>;
}

/** Documents in one write. */
const CHUNK = 1_000;

/** Documents after which the lease is renewed. */
const LEASE = 50_000;

/** Publishes all documents of a generation, and waits until the store has them for good. */
export async function publish(
  options: PublishOptions,
): Promise<{ documents: number; unresolved: number }> {
  const { store, generation, days, settings, retained, keep } = options;
  await store.createGeneration(generation);
  const sources = days.map((day) => daySource(options, day));
  const composed = await compose(sources, { settings, retained, keep });
  const estimate = days.reduce(
    (sum, { sections: s }) => sum + s.posts.records + s.users.records + s.windows.records,
    0,
  );
  let written = 0;
  let leased = 0;
  const pages: Record<ViewName, StoredDocument[]> = {
    top_posts: [],
    subreddit_activity: [],
    user_activity: [],
  };
  const write = async (view: ViewName) => {
    const documents = pages[view];
    pages[view] = [];
    if (documents.length === 0) return;
    await store.write(generation, view, documents);
    written += documents.length;
    options.onWritten(written, Math.max(estimate, written));
    if (written < leased + LEASE) return;
    leased = written;
    await options.renew();
  };
  for await (const documents of composed.documents()) {
    for (const body of documents) {
      const view = viewOf(body);
      pages[view].push({ id: documentId(body), version: 1, body });
      if (pages[view].length >= CHUNK) await write(view);
    }
  }
  for (const view of VIEWS) await write(view);
  await store.seal(generation);
  return { documents: written, unresolved: composed.unresolved };
}

/** A stored day as what a generation is composed from. */
function daySource({ dataset }: PublishOptions, day: DayState): DaySource {
  return {
    day: day.day,
    unresolved: () => Promise.resolve(day.unresolved),
    read: (section) => readSection(dataset, day, section),
    announcements: () => readAnnouncements(dataset, day),
  };
}
