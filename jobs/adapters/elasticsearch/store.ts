/**
 * The serving store on Elasticsearch: for each view and generation one index of batch's documents
 * and one of speed's, and one alias per view. Generations of earlier versions have one index for
 * both.
 *
 * @module
 */

import {
  BATCH_PART,
  type ControlDocument,
  PipelineError,
  type ServingStore,
  type StoredDocument,
  type ViewDocument,
  type ViewName,
  type ViewPage,
  type ViewQuery,
  VIEWS,
  type Watermark,
  type WatermarkOutcome,
} from "@pipeline/core";
import {
  checkControl,
  checkDocument,
  checkGeneration,
  checkQuery,
  checkWatermark,
  noGeneration,
} from "../contract/rules.ts";
import { Controls } from "./_controls.ts";
import { Indices } from "./_indices.ts";
import { Names } from "./_names.ts";
import { layersOf, searchBody } from "./_query.ts";
import { Terms } from "./_terms.ts";
import { IS_WATERMARK, Watermarks } from "./_watermarks.ts";
import { BulkWriter } from "./bulk.ts";
import { Connection, type ElasticsearchOptions, ONCE } from "./client.ts";
import {
  type ElasticsearchConfig,
  elasticsearchConfig,
  type ElasticsearchInput,
} from "./config.ts";
import { ID_FIELD } from "./mappings.ts";

/** A view's document as stored in the index: with its id repeated. */
type Source = ViewDocument & { readonly [ID_FIELD]?: string };

/** Number of ids per request. */
const GET_IDS = 1_000;

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
  readonly #indices: Indices;
  readonly #controls: Controls;
  readonly #writer: BulkWriter;
  readonly #terms = new Terms();
  readonly #watermarks: Watermarks;

  /** Takes a complete configuration. */
  constructor(config: ElasticsearchConfig, options: ElasticsearchOptions = {}) {
    this.#config = config;
    this.#names = new Names(config.prefix);
    this.#connection = new Connection(config, options);
    this.#indices = new Indices(this.#connection, this.#names, config);
    this.#controls = new Controls(this.#connection, this.#names, config);
    this.#writer = new BulkWriter(this.#connection, config);
    this.#watermarks = new Watermarks(this.#connection, {
      names: this.#names,
      config,
      terms: this.#terms,
    });
  }

  /** See {@linkcode ServingStore.createGeneration}. */
  async createGeneration(generation: number): Promise<void> {
    this.#connection.check();
    checkGeneration(generation);
    await this.#controls.make();
    await this.#indices.create(generation);
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
    const ofSpeed = documents.filter(({ body }) => body.part !== BATCH_PART);
    const live = ofSpeed.length > 0 && await this.#indices.haveLive(generation);
    const others = live ? documents.filter(({ body }) => body.part === BATCH_PART) : documents;
    if (others.length > 0) await this.#writer.write(this.#names.writes(view, generation), others);
    if (!live) return;
    const alias = this.#names.liveWrites(view, generation);
    await this.#writer.write(alias, ofSpeed, (position) => this.#terms.note(alias, position));
  }

  /** See {@linkcode ServingStore.putWatermarks}. */
  async putWatermarks(
    generation: number,
    watermarks: readonly Watermark[],
  ): Promise<WatermarkOutcome> {
    this.#connection.check();
    for (const watermark of watermarks) checkWatermark(watermark);
    if (await this.#indices.haveLive(generation)) {
      return await this.#watermarks.put(generation, watermarks) ? "stored" : "lost";
    }
    if (await this.#indices.has(generation)) return "absent";
    throw noGeneration(generation);
  }

  /** See {@linkcode ServingStore.watermarks}. */
  async watermarks(generation: number): Promise<readonly Watermark[] | undefined> {
    this.#connection.check();
    return await this.#indices.haveLive(generation)
      ? await this.#watermarks.list(generation)
      : undefined;
  }

  /** See {@linkcode ServingStore.refresh}. */
  async refresh(generation: number): Promise<void> {
    const { index } = await this.#indices.of(generation, VIEWS);
    await this.#connection.call(
      `refresh generation ${generation}`,
      (client, options) => client.indices.refresh({ index }, options),
    );
  }

  /** See {@linkcode ServingStore.seal}. */
  async seal(generation: number): Promise<void> {
    const { index } = await this.#indices.of(generation, VIEWS);
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
    const isOfSpeed = (id: string) => id.includes("|") && !id.startsWith(`${BATCH_PART}|`);
    const live = ids.some(isOfSpeed) && await this.#indices.haveLive(generation)
      ? this.#names.live(view, generation)
      : undefined;
    const index = this.#names.index(view, generation);
    for (let at = 0; at < ids.length; at += GET_IDS) {
      const docs = ids.slice(at, at + GET_IDS).map((_id) => (
        { _id, ...(live !== undefined && isOfSpeed(_id) && { _index: live }) }
      ));
      const answer = await this.#connection.call(
        `read from ${view}`,
        (client, options) => client.mget<Source>({ index, docs, realtime: true }, options),
      );
      for (const doc of answer.docs) {
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
    const { index, live } = await this.#indices.of(generation, [view], layersOf(query));
    const { query: { bool }, ...body } = searchBody(view, query);
    const must_not = [...bool.must_not, ...live ? [IS_WATERMARK] : []];
    const answer = await this.#connection.call(
      `search ${view}`,
      (client, options) =>
        client.search<Source>({
          index,
          ...body as object,
          query: { bool: { ...bool, must_not } } as never,
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
    const { index } = await this.#indices.of(generation, [view]);
    const query = { bool: { must_not: [IS_WATERMARK] } } as never;
    const { count, _shards } = await this.#connection.call(
      `count ${view}`,
      (client, options) => client.count({ index, query }, options),
    );
    if (_shards.failed === 0) return count;
    throw new PipelineError("unavailable", `Cannot count ${view}: ${_shards.failed} shards failed`);
  }

  /** See {@linkcode ServingStore.current}. */
  current(): Promise<number | undefined> {
    return this.#indices.current();
  }

  /** See {@linkcode ServingStore.switchTo}. */
  async switchTo(generation: number, from: number | undefined): Promise<void> {
    checkGeneration(generation);
    await this.#controls.make();
    await this.#indices.switchTo(generation, from);
  }

  /** See {@linkcode ServingStore.generations}. */
  generations(): Promise<number[]> {
    return this.#indices.generations();
  }

  /** See {@linkcode ServingStore.dropGeneration}. */
  async dropGeneration(generation: number): Promise<void> {
    checkGeneration(generation);
    await this.#indices.drop(generation);
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
}

function toStored(id: string, version: number, source: Source): StoredDocument {
  const { [ID_FIELD]: _, ...body } = source;
  return { id, version, body: body as ViewDocument };
}
