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

/** Dependencies and settings of {@linkcode publish}. */
export interface PublishOptions {
  /** Where records, commits and states are stored. */
  readonly dataset: MasterDataset;
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** Counts from 1. */
  readonly generation: number;
  /** The states of all days, in order. */
  readonly days: readonly DayState[];
  /** The settings of the views. */
  readonly settings: ViewSettings;
  /** The start of retention. */
  readonly retained: RetainedFrom;
  /** Most posts to publish per subreddit. */
  readonly keep: number;
  /** Called with the number of documents written, and an estimate of the total. */
  readonly onWritten: (written: number, estimate: number) => void;
  /** Called periodically: keeps a lease alive. */
  readonly renew: () => Promise<void>;
}

/** Documents in one write. */
const CHUNK = 1_000;

/** Documents after which the lease is renewed. */
const LEASE = 50_000;

/** Publishes all documents of a generation, and waits until the store has persisted them. */
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

/** A stored day as a source for `compose`. */
function daySource({ dataset }: PublishOptions, day: DayState): DaySource {
  return {
    day: day.day,
    unresolved: () => Promise.resolve(day.unresolved),
    read: (section) => readSection(dataset, day, section),
    announcements: () => readAnnouncements(dataset, day),
  };
}
