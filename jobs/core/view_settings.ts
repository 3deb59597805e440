/**
 * The settings of the views, and the hash that identifies them.
 *
 * @module
 */

import { canonicalJson } from "./bytes.ts";
import { EXACT_LIMIT, PRECISION } from "./distinct.ts";
import { hashText } from "./hash.ts";
import { DEFAULT_MAX_FUTURE } from "./records.ts";
import { type WindowName, WINDOWS } from "./time.ts";

/** The settings of a view generation; part of its identity. */
export interface ViewSettings {
  /** Windows that user activity is counted in. */
  readonly userWindows: readonly WindowName[];
  /** How far ahead of the log's clock an event may be, in milliseconds. */
  readonly maxFuture: number;
}

/** The settings in their stored form. */
export interface StoredViewSettings {
  /** See {@linkcode ViewSettings.userWindows}. */
  readonly user_windows: readonly WindowName[];
  /** See {@linkcode ViewSettings.maxFuture}. */
  readonly max_future: number;
}

/** Converts settings to their stored form. */
export function storeSettings({ userWindows, maxFuture }: ViewSettings): StoredViewSettings {
  return { user_windows: userWindows, max_future: maxFuture };
}

/** Restores settings from their stored form. */
export function restoreSettings(stored: StoredViewSettings): ViewSettings {
  return { userWindows: stored.user_windows, maxFuture: stored.max_future };
}

/** The default settings. */
export const DEFAULT_SETTINGS: ViewSettings = {
  userWindows: ["1d"],
  maxFuture: DEFAULT_MAX_FUTURE,
};

/**
 * The first retained window start of each size; 0 keeps everything. A smaller size is never
 * retained longer than a larger one.
 */
export type RetainedFrom = Readonly<Record<WindowName, number>>;

/** Keeps everything. */
export const RETAIN_ALL: RetainedFrom = { "1m": 0, "1h": 0, "1d": 0 };

/** Raised whenever the meaning of a view changes. */
const DEFINITION = 3;

/**
 * Identifies the views' definitions and settings. Layers with different hashes never write into one
 * generation.
 */
export function definitionHash(settings: ViewSettings): string {
  return hashText(canonicalJson({
    definition: DEFINITION,
    precision: PRECISION,
    exact: EXACT_LIMIT,
    windows: WINDOWS,
    ...storeSettings(settings),
  }));
}
