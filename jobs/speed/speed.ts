/**
 * The speed layer: a fold for the served generation, and one beside it for each generation that
 * batch has prepared.
 *
 * @module
 */

import {
  definitionHash,
  type EventLog,
  hasCode,
  PipelineError,
  type ServingStore,
  VIEWS,
} from "@pipeline/core";
import {
  type Manifest,
  type PartAnswer,
  type PartsRequest,
  readFolded,
  readManifest,
  readManifests,
} from "@pipeline/protocol";
import { type Clock, Lifetime, type Logger, systemClock, Waiting } from "@pipeline/runtime";
import type { SpeedSettings } from "./config.ts";
import type { FoldEvents } from "./events.ts";
import { GenerationFold, type GenerationFoldOptions } from "./generation_fold.ts";
import { Pace } from "./pace.ts";
import { Turns } from "./turns.ts";

/**
 * Milliseconds for which a fold that was replaced still answers: readers resolve the generation
 * anew only from time to time, and a rollback may come soon.
 */
export const LINGER = 30_000;

/**
 * Share of the pace that copies of generations that are not served have beside the served one, whose
 * copy would otherwise get old while batch prepares the next.
 */
const SHARE = 1 / 3;

/** The dependencies and settings of the speed layer. */
export interface SpeedOptions extends FoldEvents {
  /** The source of records. */
  readonly log: EventLog;
  /** The source of generations and the destination of documents. */
  readonly store: ServingStore;
  /** How often and how much to write, and how often to poll for generations. */
  readonly settings: SpeedSettings;
  /** See {@linkcode GenerationFoldOptions.standby}. */
  readonly standby?: Required<GenerationFoldOptions>["standby"];
  /** Logs which generations are folded. */
  readonly logger?: Logger;
  /** The machine's clock by default. */
  readonly clock?: Clock;
}

/** A fold that has been replaced. */
interface Lingering {
  readonly fold: GenerationFold;
  /** When it is dropped, on the monotonic clock. */
  readonly until: number;
}

/** A running speed layer. */
export class Speed {
  readonly #o: SpeedOptions;
  readonly #clock: Clock;
  readonly #folds = new Map<number, GenerationFold>();
  readonly #lingering = new Map<number, Lingering>();
  readonly #turns: Turns;
  readonly #pace: Pace;
  readonly #refused = new Set<number>();
  readonly #broken = new Set<number>();
  #served: number | undefined;
  readonly #life = new Lifetime();
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: SpeedOptions) {
    this.#o = options;
    const clock = this.#clock = options.clock ?? systemClock;
    this.#turns = new Turns({ clock });
    this.#pace = new Pace(options.settings.maxDocuments, clock);
  }

  /** Rejects if a fold can make no progress; resolves when the layer is stopped. */
  get done(): Promise<void> {
    return this.#life.done;
  }

  /** Starts polling for generations, and folds them. */
  static start(options: SpeedOptions): Speed {
    const speed = new Speed(options);
    speed.#loop = speed.#run().catch(speed.#life.fail);
    return speed;
  }

  /** The running folds, by generation. */
  get folds(): ReadonlyMap<number, GenerationFold> {
    return this.#folds;
  }

  /** The generations that can be asked about. */
  get answered(): readonly number[] {
    return [...new Set([...this.#folds.keys(), ...this.#lingering.keys()])].sort((a, b) => a - b);
  }

  /** Number of keys in memory, in all generations, frozen partitions included. */
  get keys(): number {
    return this.#held().reduce((sum, { keys }) => sum + keys, 0);
  }

  /** Number of frozen partitions, in all generations. */
  get frozen(): number {
    return this.#held().reduce((sum, { frozen }) => sum + frozen, 0);
  }

  #held(): GenerationFold[] {
    const lingering = [...this.#lingering].filter(([generation]) => !this.#folds.has(generation));
    return [...this.#folds.values(), ...lingering.map(([, { fold }]) => fold)];
  }

  /**
   * Answers questions about a generation from the folds in memory, all of them at once: see
   * {@linkcode GenerationFold.answer}.
   *
   * @throws {PipelineError} `not_found` for a generation that is not folded, `conflict` for one that
   * is that of another pipeline, `too_large` for too large an answer.
   */
  answer(request: PartsRequest): PartAnswer[] {
    const { generation, identity } = request;
    const fold = this.#folds.get(generation) ?? this.#lingering.get(generation)?.fold;
    if (fold === undefined) {
      throw new PipelineError("not_found", `Generation ${generation} is not folded here`);
    }
    if (fold.identity !== identity) {
      throw new PipelineError(
        "conflict",
        `Generation ${generation} here is ${fold.identity}, not ${identity}: another pipeline has it`,
      );
    }
    return fold.answer(request);
  }

  /**
   * The served generation: the one that the aliases pointed to at the last poll, or `undefined` if
   * they pointed to none. It need not be the oldest or the newest fold: after a rollback an older
   * generation is served beside a newer one that was prepared.
   */
  get served(): number | undefined {
    return this.#served;
  }

  /** Generations that can no longer be folded, since one of their indices is missing. */
  get broken(): ReadonlySet<number> {
    return this.#broken;
  }

  /** Writes all that is folded, the served generation first, and stops. It answers until then. */
  async stop(): Promise<void> {
    this.#life.end();
    await this.#loop;
    const stops = [...this.#folds].map(([generation, fold]) => ({
      served: generation === this.#served,
      stop: () => fold.stop(),
    }));
    try {
      for (const { served, stop } of stops) if (served) await stop();
    } finally {
      await Promise.all(stops.map(({ served, stop }) => served ? undefined : stop()));
      this.#folds.clear();
      this.#lingering.clear();
    }
  }

  async #run(): Promise<void> {
    const signal = this.#life.signal;
    const what = "Waiting until batch has prepared a generation to fold";
    const idle = new Waiting({ what, logger: this.#o.logger, clock: this.#clock });
    while (!signal.aborted) {
      await this.#adjust();
      if (this.#folds.size === 0) idle.look();
      try {
        await this.#clock.sleep(this.#o.settings.pollInterval, signal);
      } catch {
        return;
      }
    }
  }

  /** Starts and stops folds so that they match the current and prepared generations. */
  async #adjust(): Promise<void> {
    const { store } = this.#o;
    // In this order: a generation that becomes current in between was still read as prepared.
    const manifests = await readManifests(store);
    const current = await store.current();
    this.#served = current;
    // A generation that became current but was read as `building` has no horizon yet.
    const wanted = manifests.map((m) => m.manifest).filter((m) =>
      m.state === "prepared" || (m.generation === current && m.state !== "building")
    );
    for (const manifest of wanted) {
      const { generation } = manifest;
      if (this.#folds.has(generation) || this.#broken.has(generation)) continue;
      if (this.#accepts(manifest)) await this.#start(manifest);
    }
    for (const generation of this.#broken) {
      if (wanted.every((manifest) => manifest.generation !== generation)) {
        this.#broken.delete(generation);
      }
    }
    for (const [generation, fold] of this.#folds) {
      if (wanted.some((manifest) => manifest.generation === generation)) {
        if (fold.frozen > 0) fold.release(await readFolded(store, generation));
        continue;
      }
      this.#folds.delete(generation);
      this.#o.logger?.info("Stop folding", { generation });
      // A generation that failed was never served: nobody asks about it.
      const failed = manifests.find((m) => m.manifest.generation === generation)?.manifest.state ===
        "failed";
      const until = this.#clock.monotonic() + LINGER;
      if (!failed) this.#lingering.set(generation, { fold, until });
      await fold.stop({ discard: true });
    }
    for (const [generation, { until }] of this.#lingering) {
      const kept = manifests.some((m) => m.manifest.generation === generation);
      if (!kept || this.#clock.monotonic() >= until) this.#lingering.delete(generation);
    }
  }

  async #start(manifest: Manifest): Promise<void> {
    const fold = await GenerationFold.start({
      ...this.#o,
      manifest,
      turns: this.#turns,
      pace: this.#pace,
      share: () => this.#served === undefined || this.#served === manifest.generation ? 1 : SHARE,
      before: this.#lingering.get(manifest.generation)?.fold,
      onLoss: (loss) => {
        this.#o.logger?.warn("The store may have lost documents: all are written again", {
          generation: loss.generation,
        });
        this.#o.onLoss?.(loss);
      },
    });
    this.#folds.set(manifest.generation, fold);
    this.#lingering.delete(manifest.generation);
    fold.done.catch(async (error) => {
      const { generation } = manifest;
      if (this.#folds.get(generation) !== fold) return;
      const dropped = hasCode(error, "not_found") && await this.#isDropped(generation);
      const broken = !dropped && hasCode(error, "not_found") && await this.#lacksView(generation);
      if (!dropped && !broken) return this.#life.fail(error);
      this.#folds.delete(generation);
      await fold.stop({ discard: true });
      if (!broken) return;
      this.#broken.add(generation);
      this.#o.logger?.error(
        "A part of the generation is missing: only a new generation replaces it",
        { generation, error },
      );
    }).catch(this.#life.fail);
    this.#o.logger?.info("Start folding", {
      generation: manifest.generation,
      horizon: manifest.horizon,
    });
  }

  /** Batch drops generations that are no longer served, possibly before the next poll. */
  async #isDropped(generation: number): Promise<boolean> {
    const { store } = this.#o;
    try {
      const found = await readManifest(store, generation);
      const wanted = found?.manifest.state === "prepared" || await store.current() === generation;
      return !wanted;
    } catch {
      return false;
    }
  }

  /** Whether a view of the generation is missing from the store. */
  async #lacksView(generation: number): Promise<boolean> {
    for (const view of VIEWS) {
      try {
        await this.#o.store.count(generation, view);
      } catch (error) {
        return hasCode(error, "not_found");
      }
    }
    return false;
  }

  /** A generation with other definitions must not be written. */
  #accepts(manifest: Manifest): boolean {
    if (definitionHash(manifest.settings) === manifest.definition) return true;
    if (!this.#refused.has(manifest.generation)) {
      this.#refused.add(manifest.generation);
      this.#o.logger?.error("The generation was built with other view definitions", {
        generation: manifest.generation,
        definition: manifest.definition,
      });
    }
    return false;
  }
}
