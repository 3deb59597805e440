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
  TOPICS,
} from "@pipeline/core";
import {
  foldedGenerations,
  foldedVector,
  type Manifest,
  partitionsOf,
  readFolded,
  readManifest,
  readManifests,
  readStopped,
  removeControls,
  type VersionedManifest,
  writeManifest,
} from "@pipeline/protocol";
import { type Clock, type Logger, Waiting } from "@pipeline/runtime";

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
  /** Told what is waited for. */
  readonly logger?: Logger;
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
 * @throws {PipelineError} `unavailable` where speed did not catch up in time, `corrupt` where it
 * cannot read what comes next, `conflict` where the aliases were moved by somebody else. Then the old generation goes on serving.
 */
export async function switchTo(
  prepared: VersionedManifest,
  options: SwitchOptions,
): Promise<number | undefined> {
  const { store, clock, signal } = options;
  const generation = prepared.manifest.generation;
  const waiting = new Waiting({
    what: `Waiting until speed has folded generation ${generation} as far as what is served`,
    logger: options.logger,
    clock,
  });
  for (;;) {
    const from = await store.current();
    if (from !== undefined && from > generation && options.back !== true) {
      throw new PipelineError(
        "conflict",
        `Generation ${generation} is too late: ${from} is served already`,
      );
    }
    const lag = await lagOf(prepared.manifest, from, options);
    if (lag === undefined) {
      await moveAliases(generation, from, options);
      await settle(prepared, from, options);
      return from;
    }
    options.onLag?.(lag.behind);
    await failWhereStopped(prepared.manifest, store);
    if (waiting.waited >= options.catchUpTimeout) {
      throw new PipelineError(
        "unavailable",
        `Speed did not catch up with generation ${generation} within ${options.catchUpTimeout} ms: ` +
          (lag.begun === 0
            ? `it has begun with none of its ${lag.partitions} partitions: see whether speed runs`
            : `${lag.behind} records are missing, and ${lag.begun} of ${lag.partitions} ` +
              "partitions are begun: see what speed logs, and whether it keeps up"),
      );
    }
    waiting.look({ ...lag });
    await options.onWait?.();
    await clock.sleep(options.pollInterval, signal);
  }
}

/** How far speed is behind. */
interface Lag {
  /** Records that are missing; a partition that was not begun counts as one more. */
  readonly behind: number;
  /** Partitions of all topics that speed has begun with. */
  readonly begun: number;
  /** Partitions of all topics. */
  readonly partitions: number;
}

/** How far speed is behind, if it is. */
async function lagOf(
  manifest: Manifest,
  from: number | undefined,
  options: SwitchOptions,
): Promise<Lag | undefined> {
  const partitions = partitionsOf(manifest.horizon);
  const begun = await readFolded(options.store, manifest.generation);
  const folded = foldedVector(begun, partitions);
  let wanted: OffsetVector = manifest.horizon;
  if (from !== undefined && from !== manifest.generation) {
    const current = foldedVector(await readFolded(options.store, from), partitions);
    wanted = offsetVector(
      partitions,
      (topic, p) => Math.max(manifest.horizon[topic][p]!, current[topic][p]!),
    );
  }
  if (covers(folded, wanted)) return undefined;
  return {
    behind: Math.max(1, distance(folded, wanted)),
    begun: begun.length,
    partitions: partitions * TOPICS.length,
  };
}

/** Ends the wait for a partition that speed cannot read: it may stand still for days. */
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
    // The answer of an earlier try may have been lost.
    const moved = hasCode(error, "conflict") && await options.store.current() === generation;
    if (!moved) throw error;
  }
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
  const keep = [generation, from ?? generation];
  for (const { manifest } of await readManifests(store)) {
    if (manifest.generation === generation) continue;
    // This includes a generation left `live` by a switch that crashed just after it had moved the aliases.
    const before = manifest.generation === from || manifest.state === "live";
    if (before) await setState(manifest.generation, "previous", options);
    // Where no alias moved, the generation before is still the one before.
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
): Promise<void> {
  const newest = Math.max(...keep);
  const known = new Set([
    ...await store.generations(),
    ...(await readManifests(store)).map((m) => m.manifest.generation),
    // A fold that went on a little longer may have said so after its generation was dropped.
    ...await foldedGenerations(store),
  ]);
  for (const generation of known) {
    if (keep.includes(generation) || generation > newest) continue;
    await store.dropGeneration(generation);
    await removeControls(store, generation);
  }
}
