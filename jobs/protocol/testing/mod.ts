/**
 * Stored documents for tests that need a generation and not what is in it.
 *
 * @module
 */

import {
  DEFAULT_SETTINGS,
  definitionHash,
  offsetVector,
  RETAIN_ALL,
  type Topic,
} from "@pipeline/core";
import type { Folded, Manifest } from "../generations.ts";

/** The manifest of generation 1 of one partition per topic, prepared, without records, except for what is given. */
export function emptyManifest(more: Partial<Manifest> = {}): Manifest {
  return {
    generation: 1,
    state: "prepared",
    horizon: offsetVector(1, () => 0),
    history: [],
    definition: definitionHash(DEFAULT_SETTINGS),
    settings: DEFAULT_SETTINGS,
    retained_from: RETAIN_ALL,
    keep: 10,
    records: 0,
    unresolved: 0,
    updated: 0,
    ...more,
  };
}

/** The control document of a partition that is folded up to an offset without having counted anything. */
export function foldedTo(topic: Topic, partition: number, next_offset: number): Folded {
  const counts = { records: 0, dead_letters: 0, duplicates: 0, retired: 0, unresolved: 0, keys: 0 };
  return { topic, partition, next_offset, ...counts };
}
