/**
 * The serving store on Elasticsearch: one index per view and generation, one alias per view.
 *
 * @module
 */

import {
  type ControlDocument,
  hasCode,
  PipelineError,
  type ServingStore,
  type StoredDocument,
  type ViewDocument,
  type ViewName,
  type ViewPage,
  type ViewQuery,
  VIEWS,
} from "@pipeline/core";
import { checkControl, checkDocument, checkGeneration, checkQuery } from "../contract/rules.ts";
import { Controls } from "./_controls.ts";
import { Names } from "./_names.ts";
import { searchBody } from "./_query.ts";
import { BulkWriter } from "./bulk.ts";
import { Connection, type ElasticsearchOptions, ONCE } from "./client.ts";
import {
  type ElasticsearchConfig,
  elasticsearchConfig,
  type ElasticsearchInput,
} from "./config.ts";
import { ID_FIELD, viewMappings } from "./mappings.ts";

/** A view's document as stored in the index: with its id repeated. */
type Source = ViewDocument & { readonly [ID_FIELD]?: string };

/** Number of ids per request. */
const GET_IDS = 1_000;

/** Time for which an index without searches is refreshed all the same: a year. */
const SEARCH_IDLE = "365d";

/**
 * Opens the store on Elasticsearch. Connects on first use.
 *
 * @param config in the form of {@linkcode elasticsearchConfig}, with or without defaults filled in.
 * @throws {PipelineError} `invalid` if a file of the configuration cannot be read.
 */
export function openElasticsearch(
  config: ElasticsearchConfig | ElasticsearchInput,
  options: ElasticsearchOptions = {},
): ElasticsearchStore {
  return new ElasticsearchStore(elasticsearchConfig.parse(config), options);
}

/** The store on Elasticsearch. Use {@linkcode openElasticsearch}. */
export class ElasticsearchStore implements ServingStore {
  readonly #config: ElasticsearchConfig;
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #controls: Controls;
  readonly #writer: BulkWriter;

  /** Takes a complete configuration. */
  constructor(config: ElasticsearchConfig, options: ElasticsearchOptions = {}) {
    this.#config = config;
    this.#names = new Names(config.prefix);
    this.#connection = new Connection(config, options);
    this.#controls = new Controls(this.#connection, this.#names, config);
    this.#writer = new BulkWriter(this.#connection, config);
  }

  /** See {@linkcode ServingStore.createGeneration}. */
  async createGeneration(generation: number): Promise<void> {
    this.#connection.check();
    checkGeneration(generation);
    await this.#controls.make();
    for (const view of VIEWS) {
      await this.#putTemplate(view);
      const index = this.#names.index(view, generation);
      await this.#connection.call(
        `make the index ${index}`,
        (client, options) =>
          client.indices.create({
            index,
            aliases: { [this.#names.writes(view, generation)]: { is_hidden: true } },
            wait_for_active_shards: 1,
          }, options),
      ).catch((error) => {
        if (!hasCode(error, "exists")) throw error;
      });
    }
  }

  /** See {@linkcode ServingStore.write}. */
  async write(
    generation: number,
    view: ViewName,
    documents: readonly StoredDocument[],
  ): Promise<void> {
    this.#connection.check();
    for (const document of documents) checkDocument(view, document);
    if (documents.length === 0) return;
    await this.#writer.write(this.#names.writes(view, generation), documents);
  }

  /** See {@linkcode ServingStore.refresh}. */
  async refresh(generation: number): Promise<void> {
    await this.#connection.call(
      `refresh generation ${generation}`,
      (client, options) =>
        client.indices.refresh({ index: this.#names.indices(generation) }, options),
    );
  }

  /** See {@linkcode ServingStore.seal}. */
  async seal(generation: number): Promise<void> {
    const index = this.#names.indices(generation);
    const { replicas, refreshInterval, sealTimeout } = this.#config;
    await this.#connection.call(
      `seal generation ${generation}`,
      (client, options) =>
        client.indices.putSettings({
          index,
          settings: {
            "index.number_of_replicas": replicas,
            "index.refresh_interval": `${refreshInterval}ms`,
          },
        }, options),
    );
    const what = `replicate generation ${generation}`;
    const { timed_out, status } = await this.#connection.call(
      what,
      (client, options) =>
        client.cluster.health({
          index,
          wait_for_status: "green",
          wait_for_no_initializing_shards: true,
          timeout: `${sealTimeout}ms`,
        }, options),
      { timeout: sealTimeout + 5_000, policy: ONCE },
    );
    if (timed_out || status !== "green") {
      throw new PipelineError(
        "unavailable",
        `Cannot ${what}: ${status} after ${sealTimeout} ms; ${replicas} copies beside each ` +
          `primary need ${replicas + 1} nodes with room`,
      );
    }
    await this.refresh(generation);
  }

  /** See {@linkcode ServingStore.get}. */
  async get(
    generation: number,
    view: ViewName,
    ids: readonly string[],
  ): Promise<(StoredDocument | undefined)[]> {
    this.#connection.check();
    const found: (StoredDocument | undefined)[] = [];
    for (let at = 0; at < ids.length; at += GET_IDS) {
      const some = ids.slice(at, at + GET_IDS);
      const { docs } = await this.#connection.call(
        `read from ${view}`,
        (client, options) =>
          client.mget<Source>({
            index: this.#names.index(view, generation),
            ids: [...some],
            realtime: true,
          }, options),
      );
      for (const doc of docs) {
        if ("error" in doc) {
          const { type, reason } = doc.error;
          const code = type === "index_not_found_exception" ? "not_found" : "unavailable";
          throw new PipelineError(code, `Cannot read from ${view}: ${type}: ${reason}`);
        }
        found.push(doc.found ? toStored(doc._id, doc._version!, doc._source!) : undefined);
      }
    }
    return found;
  }

  /** See {@linkcode ServingStore.search}. */
  async search(generation: number, view: ViewName, query: ViewQuery): Promise<ViewPage> {
    this.#connection.check();
    checkQuery(query);
    const { requestTimeout } = this.#config;
    const answer = await this.#connection.call(
      `search ${view}`,
      (client, options) =>
        client.search<Source>({
          index: this.#names.index(view, generation),
          ...searchBody(view, query) as object,
          version: true,
          track_total_hits: false,
          allow_partial_search_results: true,
          // Hits found so far are returned, and marked as incomplete.
          timeout: `${Math.floor(requestTimeout * 0.8)}ms`,
        }, options),
    );
    return {
      documents: answer.hits.hits.map(({ _id, _version, _source }) =>
        toStored(_id!, _version!, _source!)
      ),
      complete: !answer.timed_out && answer._shards.failed === 0,
    };
  }

  /** See {@linkcode ServingStore.count}. */
  async count(generation: number, view: ViewName): Promise<number> {
    const index = this.#names.index(view, generation);
    const { count, _shards } = await this.#connection.call(
      `count ${view}`,
      (client, options) => client.count({ index }, options),
    );
    if (_shards.failed === 0) return count;
    throw new PipelineError("unavailable", `Cannot count ${view}: ${_shards.failed} shards failed`);
  }

  /**
   * See {@linkcode ServingStore.current}. A deleted index takes its alias along: the current
   * generation is still the one that the other aliases point to, and reading the missing index
   * reports it.
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

  /** See {@linkcode ServingStore.switchTo}. */
  async switchTo(generation: number, from: number | undefined): Promise<void> {
    checkGeneration(generation);
    await this.#controls.make();
    const removals = from === undefined
      ? [{ index: this.#names.control, alias: this.#names.unserved }]
      : await this.#servedBy(from);
    const additions = VIEWS.map((view) => ({
      index: this.#names.index(view, generation),
      alias: this.#names.alias(view),
    }));
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
  async #servedBy(generation: number): Promise<{ index: string; alias: string }[]> {
    const aliases = await this.#aliases("look up the served generation");
    const all = VIEWS.map((view) => ({
      index: this.#names.index(view, generation),
      alias: this.#names.alias(view),
    }));
    const left = all.filter(({ index }) => aliases.has(index));
    return left.length === 0 ? all : left;
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

  /** See {@linkcode ServingStore.generations}. */
  async generations(): Promise<number[]> {
    const indices = (await this.#aliases("list the generations")).keys();
    const generations = [...indices].map((index) => this.#names.generation(index));
    return [...new Set(generations.filter((g) => g !== undefined))].sort((a, b) => a - b);
  }

  /** See {@linkcode ServingStore.dropGeneration}. */
  async dropGeneration(generation: number): Promise<void> {
    checkGeneration(generation);
    if (await this.current() === generation) {
      throw new PipelineError("conflict", `Generation ${generation} is current`);
    }
    await this.#connection.call(
      `drop generation ${generation}`,
      (client, options) =>
        client.indices.delete({
          index: this.#names.indices(generation),
          ignore_unavailable: true,
        }, options),
    );
  }

  /** See {@linkcode ServingStore.control}. */
  control(id: string): Promise<ControlDocument | undefined> {
    return this.#controls.get(id);
  }

  /** See {@linkcode ServingStore.controls}. */
  controls(prefix: string): Promise<ControlDocument[]> {
    return this.#controls.list(prefix);
  }

  /** See {@linkcode ServingStore.putControl}. */
  putControl(id: string, body: unknown, expected: number): Promise<number> {
    return this.#controls.put(id, body, expected);
  }

  /** See {@linkcode ServingStore.putControls}. */
  async putControls(documents: readonly ControlDocument[]): Promise<void> {
    for (const document of documents) checkControl(document);
    await this.#controls.putAll(documents);
  }

  /** See {@linkcode ServingStore.removeControls}. */
  removeControls(ids: readonly string[]): Promise<void> {
    return this.#controls.remove(ids);
  }

  /** See {@linkcode ServingStore.close}. */
  close(): Promise<void> {
    return this.#connection.close();
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

function toStored(id: string, version: number, source: Source): StoredDocument {
  const { [ID_FIELD]: _, ...body } = source;
  return { id, version, body: body as ViewDocument };
}
