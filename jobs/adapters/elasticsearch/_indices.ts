/**
 * The indices of generations, and the aliases under which one of them is served.
 *
 * @module
 */

import { hasCode, PipelineError, type ViewName, VIEWS } from "@pipeline/core";
import type { Names } from "./_names.ts";
import { IS_WATERMARK } from "./_watermarks.ts";
import { type Connection, ONCE } from "./client.ts";
import type { ElasticsearchConfig } from "./config.ts";
import { LIVE_MAPPINGS, viewMappings } from "./mappings.ts";

/** Time for which an index without searches is refreshed all the same: a year. */
const SEARCH_IDLE = "365d";

/** Layers of a view. */
export interface Layers {
  /** Documents of batch. */
  readonly batch: boolean;
  /** Documents of speed. */
  readonly speed: boolean;
}

const BOTH: Layers = { batch: true, speed: true };

/** Creates, switches and drops indices. */
export class Indices {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #config: ElasticsearchConfig;
  /** Whether generations have indices of speed's documents, as far as it is known. */
  readonly #live = new Map<number, boolean>();

  /** Nothing is read or written before the first call. */
  constructor(connection: Connection, names: Names, config: ElasticsearchConfig) {
    this.#connection = connection;
    this.#names = names;
    this.#config = config;
  }

  /** Creates the indices of a generation that are missing, beside the template of each view. */
  async create(generation: number): Promise<void> {
    const existing = await this.#aliases("list the indices");
    for (const view of VIEWS) {
      await this.#putTemplate(view);
      const index = this.#names.index(view, generation);
      // The index of speed's documents comes first: where it is missing beside the other, the
      // generation was created by an earlier version, and stays as it is.
      if (!existing.has(index)) await this.#createLive(view, generation);
      await this.#create(index, this.#names.writes(view, generation));
    }
    this.#live.delete(generation);
  }

  /**
   * One shard, whose operations have one order. It has its replicas at once, which cost nothing
   * while batch loads the generation: speed writes only to one that is prepared.
   */
  async #createLive(view: ViewName, generation: number): Promise<void> {
    const { replicas, refreshInterval } = this.#config;
    await this.#create(
      this.#names.live(view, generation),
      this.#names.liveWrites(view, generation),
      {
        mappings: LIVE_MAPPINGS,
        settings: {
          number_of_shards: 1,
          number_of_replicas: replicas,
          refresh_interval: `${refreshInterval}ms`,
        },
      },
    );
  }

  async #create(index: string, writes: string, more: object = {}): Promise<void> {
    await this.#connection.call(
      `make the index ${index}`,
      (client, options) =>
        client.indices.create({
          index,
          ...more,
          aliases: { [writes]: { is_hidden: true } },
          wait_for_active_shards: 1,
        }, options),
    ).catch((error) => {
      if (!hasCode(error, "exists")) throw error;
    });
  }

  /** Whether a generation has indices of speed's documents. */
  async haveLive(generation: number): Promise<boolean> {
    const known = this.#live.get(generation);
    if (known !== undefined) return known;
    const existing = await this.#aliases(`look up generation ${generation}`);
    const has = (indices: readonly string[]) => indices.some((index) => existing.has(index));
    const live = has(this.#names.lives(generation));
    // A missing generation may be created later.
    if (live || has(this.#names.indices(generation))) this.#live.set(generation, live);
    return live;
  }

  /** Whether a generation has any index. */
  async has(generation: number): Promise<boolean> {
    return await this.haveLive(generation) || this.#live.has(generation);
  }

  /** The indices of a generation that hold documents of the layers. */
  async of(
    generation: number,
    views: readonly ViewName[],
    layers: Layers = BOTH,
  ): Promise<{ readonly index: string[]; readonly live: boolean }> {
    const live = layers.speed && await this.haveLive(generation);
    const index = [
      // An empty search is one of batch's index, which reports it if the generation is missing.
      ...layers.batch || !live ? views.map((view) => this.#names.index(view, generation)) : [],
      ...live ? views.map((view) => this.#names.live(view, generation)) : [],
    ];
    return { index, live };
  }

  /**
   * See `ServingStore.current`. A deleted index takes its alias along: the current generation is
   * still the one that the other aliases point to, and reading the missing index reports it.
   */
  async current(): Promise<number | undefined> {
    const aliases = await this.#aliases("read the aliases");
    const served = new Set<number>();
    for (const [index, names] of aliases) {
      const generation = this.#names.generation(index);
      if (generation !== undefined && VIEWS.some((view) => names.has(this.#names.alias(view)))) {
        served.add(generation);
      }
    }
    const [generation] = served;
    if (generation === undefined) return undefined;
    const whole = VIEWS.every((view) => {
      const names = aliases.get(this.#names.index(view, generation));
      return names === undefined || names.has(this.#names.alias(view));
    });
    if (served.size === 1 && whole) return generation;
    throw new PipelineError(
      "corrupt",
      `The aliases do not name one generation: they name ${[...served].sort().join(", ")}`,
    );
  }

  /** See `ServingStore.switchTo`. */
  async switchTo(generation: number, from: number | undefined): Promise<void> {
    const aliases = await this.#aliases("look up the generations to switch");
    const removals = from === undefined
      ? [{ index: this.#names.control, alias: this.#names.unserved }]
      : this.#servedBy(from, aliases);
    const additions = VIEWS.flatMap((view) => {
      const [index, alias] = [this.#names.index(view, generation), this.#names.alias(view)];
      const live = this.#names.live(view, generation);
      // Who reads through the alias finds documents alone.
      const filter = { bool: { must_not: [IS_WATERMARK] } } as never;
      return [{ index, alias }, ...aliases.has(live) ? [{ index: live, alias, filter }] : []];
    });
    try {
      await this.#connection.call(
        `switch to generation ${generation}`,
        (client, options) =>
          client.indices.updateAliases({
            actions: [
              ...removals.map((remove) => ({ remove: { ...remove, must_exist: true } })),
              ...(from === generation ? [] : additions.map((add) => ({ add }))),
            ],
          }, options),
        { policy: ONCE },
      );
    } catch (error) {
      // If several are missing, the server names only one.
      if (!hasCode(error, "not_found") && !hasCode(error, "invalid")) throw error;
      if (!(await this.generations()).includes(generation)) {
        throw new PipelineError("not_found", `There is no generation ${generation}`);
      }
      const current = await this.current();
      if (current === from) throw error;
      throw new PipelineError(
        "conflict",
        `Generation ${current ?? "none"} is current, not ${from ?? "none"}`,
      );
    }
  }

  /**
   * The aliases of a served generation that a switch must remove, without those of deleted indices.
   */
  #servedBy(
    generation: number,
    aliases: ReadonlyMap<string, ReadonlySet<string>>,
  ): { index: string; alias: string }[] {
    const of = (nameOf: (view: ViewName) => string) =>
      VIEWS.map((view) => ({ index: nameOf(view), alias: this.#names.alias(view) }));
    const all = of((view) => this.#names.index(view, generation));
    const left = all.filter(({ index }) => aliases.has(index));
    const live = of((view) => this.#names.live(view, generation))
      .filter(({ index, alias }) => aliases.get(index)?.has(alias));
    return [...left.length === 0 ? all : left, ...live];
  }

  /** The aliases of every index of every generation. */
  async #aliases(what: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const found = await this.#connection.call(
      what,
      (client, options) => client.indices.getAlias({ index: [...this.#names.allIndices] }, options),
    );
    return new Map(
      Object.entries(found).map(([index, { aliases }]) => [index, new Set(Object.keys(aliases))]),
    );
  }

  /** See `ServingStore.generations`. */
  async generations(): Promise<number[]> {
    const indices = (await this.#aliases("list the generations")).keys();
    const generations = [...indices].map((index) => this.#names.generation(index));
    return [...new Set(generations.filter((g) => g !== undefined))].sort((a, b) => a - b);
  }

  /** See `ServingStore.dropGeneration`. */
  async drop(generation: number): Promise<void> {
    if (await this.current() === generation) {
      throw new PipelineError("conflict", `Generation ${generation} is current`);
    }
    this.#live.delete(generation);
    const index = [...this.#names.indices(generation), ...this.#names.lives(generation)];
    await this.#connection.call(
      `drop generation ${generation}`,
      (client, options) => client.indices.delete({ index, ignore_unavailable: true }, options),
    );
  }

  /**
   * The template of a view's new indices: strict, and cheap to load. Repeating it changes nothing.
   */
  async #putTemplate(view: ViewName): Promise<void> {
    const pattern = this.#names.pattern(view);
    const { shards, loadRefreshInterval } = this.#config;
    await this.#connection.call(
      `write the template of ${view}`,
      (client, options) =>
        client.indices.putIndexTemplate({
          name: this.#names.alias(view),
          index_patterns: [pattern],
          priority: 500,
          template: {
            mappings: viewMappings(view) as never,
            settings: {
              number_of_shards: shards,
              // Replicas are added at the seal, all at once.
              number_of_replicas: 0,
              refresh_interval: `${loadRefreshInterval}ms`,
              "search.idle.after": SEARCH_IDLE,
            } as never,
          },
        }, options),
    );
  }
}
