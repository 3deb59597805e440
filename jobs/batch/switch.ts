/**
 * Makes a prepared generation the served one: waits until speed has folded as far into it as into
 * the current one, then moves all aliases in one step.
 *
 * What counts is how far speed has folded in memory, not how far the store's documents follow.
 * Answers are exact all the same: an answer states for each partition the offset that its source
 * had reached, whether that is a fold's memory or the store with its watermark. If a fold ends
 * after the switch, answers from the store are older until it is back, and as exact.
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
  TOPICS,
} from "@pipeline/core";
import {
  foldedGenerations,
  foldedVector,
  type Manifest,
  partitionsOf,
  readManifest,
  readManifests,
  readReached,
  readStopped,
  removeControls,
  type VersionedManifest,
  writeManifest,
} from "@pipeline/protocol";
import { type Clock, type Logger, Waiting } from "@pipeline/runtime";

/** Dependencies and settings of a switch. */
export interface SwitchOptions {
  /** Where the views are stored. */
  readonly store: ServingStore;
  /** Times the waits. */
  readonly clock: Clock;
  /** Milliseconds after which a generation fails if speed does not catch up with it. */
  readonly catchUpTimeout: number;
  /** Milliseconds between two polls of speed's progress. */
  readonly pollInterval: number;
  /** Logs waits. */
  readonly logger?: Logger;
  /** Ends the run; the served generation stays unchanged. */
  readonly signal?: AbortSignal;
  /** Called at every poll with the number of records that speed is behind. */
  readonly onLag?: (records: number) => void;
  /** Let an older generation replace a newer one: only for a rollback. */
  readonly back?: boolean;
  /** Called during waits: keeps a lease alive. */
  readonly onWait?: () => Promise<void>;
}

/**
 * Waits for speed, then switches from the current generation to a prepared one.
 *
 * @returns the generation that was served before, if any.
 * @throws {PipelineError} `unavailable` if speed did not catch up in time, `corrupt` if it cannot
 * read the next batch, `conflict` if another run moved the aliases. Then the old generation stays
 * served.
 */
export async function switchTo(
  prepared: VersionedManifest,
  options: SwitchOptions,
): Promise<number | undefined> {
  const { store, clock, signal } = options;
  const generation = prepared.manifest.generation;
  const waiting = new Waiting({
    what: `Waiting until speed has folded generation ${generation} as far as the served one`,
    logger: options.logger,
    clock,
  });
  let before: OffsetVector | undefined;
  for (;;) {
    const from = await store.current();
    if (from !== undefined && from > generation && options.back !== true) {
      throw new PipelineError(
        "conflict",
        `Generation ${generation} is too late: ${from} is served already`,
      );
    }
    const { lag, wanted, reached } = await compare(prepared.manifest, from, options);
    // The offsets of both generations are reported at different moments: under load, neither is
    // ever ahead in all partitions. So it also suffices to have passed what the served one had
    // reached at the last look.
    if (lag === undefined || (before !== undefined && covers(reached, before))) {
      await moveAliases(generation, from, options);
      await settle(prepared, from, options);
      return from;
    }
    before = wanted;
    options.onLag?.(lag.behind);
    await failWhereStopped(prepared.manifest, store);
    if (waiting.waited >= options.catchUpTimeout) {
      throw new PipelineError(
        "unavailable",
        `Speed did not catch up with generation ${generation} within ${options.catchUpTimeout} ms: ` +
          (lag.begun === 0
            ? `it has begun with none of its ${lag.partitions} partitions: check whether speed runs`
            : `${lag.behind} records are missing, and ${lag.begun} of ${lag.partitions} ` +
              "partitions are begun: check speed's log, and whether it keeps up"),
      );
    }
    waiting.look({ ...lag });
    await options.onWait?.();
    await clock.sleep(options.pollInterval, signal);
  }
}

/** How far speed is behind. */
interface Lag {
  /** Number of missing records; a partition without a fold counts as one more. */
  readonly behind: number;
  /** Number of partitions, of all topics, that have a fold. */
  readonly begun: number;
  /** Number of partitions of all topics. */
  readonly partitions: number;
}

/** A generation beside the one that it is to replace. */
interface Comparison {
  /** How far speed is behind in it, if it is. */
  readonly lag: Lag | undefined;
  /** The offsets that speed has reached in it. */
  readonly reached: OffsetVector;
  /** The offsets that it must reach. */
  readonly wanted: OffsetVector;
}

async function compare(
  manifest: Manifest,
  from: number | undefined,
  options: SwitchOptions,
): Promise<Comparison> {
  const partitions = partitionsOf(manifest.horizon);
  const begun = await readReached(options.store, manifest.generation);
  const reached = foldedVector(begun, partitions);
  let wanted: OffsetVector = manifest.horizon;
  if (from !== undefined && from !== manifest.generation) {
    const current = foldedVector(await readReached(options.store, from), partitions);
    wanted = offsetVector(
      partitions,
      (topic, p) => Math.max(manifest.horizon[topic][p]!, current[topic][p]!),
    );
  }
  if (covers(reached, wanted)) return { lag: undefined, reached, wanted };
  const lag = {
    behind: Math.max(1, distance(reached, wanted)),
    begun: begun.length,
    partitions: partitions * TOPICS.length,
  };
  return { lag, reached, wanted };
}

/** Ends the wait if speed cannot read a partition: it may stay stopped for days. */
async function failWhereStopped({ generation }: Manifest, store: ServingStore): Promise<void> {
  const [stopped] = await readStopped(store, generation);
  if (stopped === undefined) return;
  throw new PipelineError("corrupt", `Speed cannot fold generation ${generation}: ${stopped.why}`);
}

async function moveAliases(
  generation: number,
  from: number | undefined,
  options: SwitchOptions,
): Promise<void> {
  if (from === generation) return;
  try {
    await options.store.switchTo(generation, from);
  } catch (error) {
    // The answer of an earlier attempt may have been lost.
    const moved = hasCode(error, "conflict") && await options.store.current() === generation;
    if (!moved) throw error;
  }
}

/**
 * Aligns the manifests with the aliases, and drops everything older than the previous generation.
 */
async function settle(
  prepared: VersionedManifest,
  from: number | undefined,
  options: SwitchOptions,
): Promise<void> {
  const { store } = options;
  const generation = prepared.manifest.generation;
  await setState(generation, "live", options);
  const keep = [generation, from ?? generation];
  for (const { manifest } of await readManifests(store)) {
    if (manifest.generation === generation) continue;
    // This includes a generation left `live` by a switch that crashed just after it had moved the aliases.
    const before = manifest.generation === from || manifest.state === "live";
    if (before) await setState(manifest.generation, "previous", options);
    // If no alias moved, the previous generation is still the previous one.
    const stays = before || manifest.state === "previous";
    if (from === generation && stays) keep.push(manifest.generation);
  }
  await dropOthers(store, keep);
}

/** Writes a generation's state. */
export async function setState(
  generation: number,
  state: Manifest["state"],
  options: Pick<SwitchOptions, "store" | "clock">,
): Promise<void> {
  const found = await readManifest(options.store, generation);
  if (found === undefined || found.manifest.state === state) return;
  const manifest = { ...found.manifest, state, updated: options.clock.now() };
  await writeManifest(options.store, manifest, found.version);
}

/** Records the state of a generation that never went live. Errors are ignored: the first failure matters more. */
export async function giveUp(
  generation: number,
  state: Manifest["state"],
  options: Pick<SwitchOptions, "store" | "clock">,
): Promise<void> {
  try {
    // If only a step after the switch failed, the generation is served.
    if (await options.store.current() !== generation) await setState(generation, state, options);
  } catch {
    // The next run finds the state unchanged.
  }
}

/** Drops every generation except those to keep and those that are newer than all of them. */
export async function dropOthers(
  store: ServingStore,
  keep: readonly number[],
): Promise<void> {
  const newest = Math.max(...keep);
  const known = new Set([
    ...await store.generations(),
    ...(await readManifests(store)).map((m) => m.manifest.generation),
    // A fold that outlived its generation may have written its offset after the drop.
    ...await foldedGenerations(store),
  ]);
  for (const generation of known) {
    if (keep.includes(generation) || generation > newest) continue;
    await store.dropGeneration(generation);
    await removeControls(store, generation);
  }
}
