/**
 * Checks batch's documents against a full recomputation from the dataset, without any stored state.
 *
 * @module
 */

import {
  BATCH_PART,
  documentId,
  type MasterDataset,
  type ServingStore,
  type ViewDocument,
  viewOf,
  VIEWS,
  ViewState,
} from "@pipeline/core";
import { type Manifest, partitionsOf } from "@pipeline/protocol";
import { compose, type Composed, type DaySource } from "../compose.ts";
import { foldFiles } from "../day.ts";
import { type InputFile, plan } from "../plan.ts";
import type { Differences } from "./report.ts";
import { scan } from "./scan.ts";

/** Recomputes the documents that batch must have published for a generation. */
export async function recompute(dataset: MasterDataset, manifest: Manifest): Promise<Composed> {
  const planned = await plan(dataset, partitionsOf(manifest.horizon), { until: manifest });
  const days = [...planned.days].sort(([a], [b]) => a - b);
  // Sections of a day are requested one after another: keep the last day.
  let last: { readonly day: number; readonly state: Promise<ViewState> } | undefined;
  const unresolved = new Map<number, number>();
  const sources = days.map(([day, files]): DaySource => {
    const state = () => {
      if (last?.day !== day) last = { day, state: folded(dataset, manifest, files) };
      return last.state;
    };
    return {
      day,
      unresolved: async () => unresolved.get(day) ?? (await state()).counts.unresolved,
      read: async (section) => {
        const wanted = SECTIONS[section];
        unresolved.set(day, (await state()).counts.unresolved);
        return [...(await state()).documents(BATCH_PART)].filter((d) => wanted.includes(d.type));
      },
      announcements: async () => [...(await state()).announcements()],
    };
  });
  const { settings, keep, retained_from: retained } = manifest;
  return await compose(sources, { settings, keep, retained });
}

/** The types of documents in the sections of a day. */
const SECTIONS: Record<"posts" | "users" | "windows", readonly ViewDocument["type"][]> = {
  posts: ["post", "subreddit"],
  users: ["user_total"],
  windows: ["activity", "user_window"],
};

async function folded(
  dataset: MasterDataset,
  manifest: Manifest,
  files: readonly InputFile[],
): Promise<ViewState> {
  const state = new ViewState(manifest.settings);
  await foldFiles(dataset, state, files);
  return state;
}

/** Compares batch's stored part with the expected one. Returns the number of documents checked. */
export async function verifyBatchPart(
  store: ServingStore,
  manifest: Manifest,
  composed: Composed,
  differences: Differences,
): Promise<number> {
  const { generation } = manifest;
  const expected = new Set<string>();
  for await (const documents of composed.documents()) {
    for (const view of VIEWS) {
      const wanted = documents.filter((document) => viewOf(document) === view);
      for (let i = 0; i < wanted.length; i += 1_000) {
        const page = wanted.slice(i, i + 1_000);
        const ids = page.map(documentId);
        const found = await store.get(generation, view, ids);
        for (const [j, document] of page.entries()) {
          expected.add(`${view} ${ids[j]}`);
          differences.compare("batch", `${view} ${ids[j]}`, document, found[j]?.body);
        }
      }
    }
  }
  for (const view of VIEWS) {
    for await (const document of scan(store, generation, view, "batch")) {
      const what = `${view} ${document.id}`;
      if (!expected.has(what)) differences.compare("batch", what, undefined, document.body);
    }
  }
  return expected.size;
}
