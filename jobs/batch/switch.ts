/**
 * Makes a prepared generation the one that is served: waits until speed has folded
 * into it as far as into the current one, then moves all aliases in one step.
 *
 * @module
 */

import {
  covers,
  distance,
  hasCode,
  type OffsetVector,
  offsetVector,
  PipelineError,
  type ServingStore,
} from "@pipeline/core";
import {
  foldedGenerations,
  foldedVector,
  type Manifest,
  partitionsOf,
  readFolded,
  readManifest,
  readManifests,
  removeControls,
  type VersionedManifest,
  writeManifest,
} from "@pipeline/protocol";
import { type Clock, retry, type RetryOptions } from "@pipeline/runtime";

/** What switching works with. */
export interface SwitchOptions {
  /** Where the views are. */
  readonly store: ServingStore;
  /** Measures waits. */
  readonly clock: Clock;
  /** Milliseconds after which a generation that speed does not catch up with has failed. */
  readonly catchUpTimeout: number;
  /** Milliseconds between two looks at how far speed is. */
  readonly pollInterval: number;
  /** How calls are tried again. */
  readonly retry?: RetryOptions;
  /** Ends the run; what is served stays as it is. */
  readonly signal?: AbortSignal;
  /** Told how many records speed is behind, with every look. */
  readonly onLag?: (records: number) => void;
  /** Let an older generation replace a newer one: only for going back on purpose. */
  readonly back?: boolean;
  /** Called with every wait: keeps a lease alive. */
  readonly onWait?: () => Promise<void>;
}

/**
 * Waits for speed, then switches from whatever is current to a prepared generation.
 *
 * @returns the generation that was served before, if any.
 * @throws {PipelineError} `unavailable` where speed did not catch up in time, `conflict` where
 * the aliases were moved by somebody else. Then the old generation goes on serving.
 */
export async function switchTo(
  prepared: VersionedManifest,
  options: SwitchOptions,
): Promise<number | undefined> {
  const { store, clock, signal } = options;
  const generation = prepared.manifest.generation;
  const deadline = clock.monotonic() + options.catchUpTimeout;
  for (;;) {
    const from = await again(options, () => store.current());
    if (from !== undefined && from > generation && options.back !== true) {
      throw new PipelineError(
        "conflict",
        `Generation ${generation} is too late: ${from} is served already`,
      );
    }
    const behind = await lagOf(prepared.manifest, from, options);
    if (behind === 0) {
      await moveAliases(generation, from, options);
      await settle(prepared, from, options);
      return from;
    }
    options.onLag?.(behind);
    if (clock.monotonic() >= deadline) {
      throw new PipelineError(
        "unavailable",
        `Speed did not catch up with generation ${generation} within ${options.catchUpTimeout} ms: ` +
          `${behind} records are missing`,
      );
    }
    await options.onWait?.();
    await clock.sleep(options.pollInterval, signal);
  }
}

/** How many records speed is behind: a partition that it has not begun counts as one more. */
async function lagOf(
  manifest: Manifest,
  from: number | undefined,
  options: SwitchOptions,
): Promise<number> {
  const partitions = partitionsOf(manifest.horizon);
  const folded = foldedVector(
    await again(options, () => readFolded(options.store, manifest.generation)),
    partitions,
  );
  let wanted: OffsetVector = manifest.horizon;
  if (from !== undefined && from !== manifest.generation) {
    const current = foldedVector(
      await again(options, () => readFolded(options.store, from)),
      partitions,
    );
    wanted = offsetVector(
      partitions,
      (topic, p) => Math.max(manifest.horizon[topic][p]!, current[topic][p]!),
    );
  }
  return covers(folded, wanted) ? 0 : Math.max(1, distance(folded, wanted));
}

async function moveAliases(
  generation: number,
  from: number | undefined,
  options: SwitchOptions,
): Promise<void> {
  if (from === generation) return;
  await again(options, async () => {
    try {
      await options.store.switchTo(generation, from);
    } catch (error) {
      // The answer of an earlier try may have been lost.
      const moved = hasCode(error, "conflict") && await options.store.current() === generation;
      if (!moved) throw error;
    }
  });
}

/** Brings the manifests in line with the aliases, and drops what is older than the previous one. */
async function settle(
  prepared: VersionedManifest,
  from: number | undefined,
  options: SwitchOptions,
): Promise<void> {
  const { store } = options;
  const generation = prepared.manifest.generation;
  await setState(generation, "live", options);
  for (const { manifest } of await again(options, () => readManifests(store))) {
    if (manifest.generation === generation) continue;
    // Also one that a switch left so which ended right after it had moved the aliases.
    const before = manifest.generation === from || manifest.state === "live";
    if (before) await setState(manifest.generation, "previous", options);
  }
  await dropOthers(store, [generation, from ?? generation], options);
}

/** Writes a generation's state. */
export async function setState(
  generation: number,
  state: Manifest["state"],
  options: Pick<SwitchOptions, "store" | "clock" | "retry" | "signal">,
): Promise<void> {
  await again(options, async () => {
    const found = await readManifest(options.store, generation);
    if (found === undefined || found.manifest.state === state) return;
    const manifest = { ...found.manifest, state, updated: options.clock.now() };
    await writeManifest(options.store, manifest, found.version);
  });
}

/** Says what became of a generation that did not come to serve; what failed says more. */
export async function giveUp(
  generation: number,
  state: Manifest["state"],
  options: Pick<SwitchOptions, "store" | "clock" | "retry" | "signal">,
): Promise<void> {
  try {
    // Where only what follows the switch failed, it does serve.
    if (await options.store.current() !== generation) await setState(generation, state, options);
  } catch {
    // The next run finds it as it is.
  }
}

/** Drops every generation but those to keep and those that are newer than all of them. */
export async function dropOthers(
  store: ServingStore,
  keep: readonly number[],
  options: Pick<SwitchOptions, "retry" | "signal">,
): Promise<void> {
  const newest = Math.max(...keep);
  const known = new Set([
    ...await again(options, () => store.generations()),
    ...(await again(options, () => readManifests(store))).map((m) => m.manifest.generation),
    // A fold that went on a little longer may have said so after its generation was dropped.
    ...await again(options, () => foldedGenerations(store)),
  ]);
  for (const generation of known) {
    if (keep.includes(generation) || generation > newest) continue;
    await again(options, () => store.dropGeneration(generation));
    await again(options, () => removeControls(store, generation));
  }
}

function again<T>(
  options: Pick<SwitchOptions, "retry" | "signal">,
  fn: () => Promise<T>,
): Promise<T> {
  const { signal } = options;
  return retry(fn, { ...options.retry, ...(signal === undefined ? {} : { signal }) });
}
