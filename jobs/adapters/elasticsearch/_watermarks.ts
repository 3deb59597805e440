/**
 * The watermarks of speed's parts: documents in the indices of its documents, one of each part in
 * each view. An index of speed's documents has one shard, which executes operations in their order
 * and loses no operation without all later ones.
 *
 * @module
 */

import { compareUtf8, PipelineError, VIEWS, type Watermark } from "@pipeline/core";
import { ITEM_FIELDS, type ItemAnswer, itemsOf, positionOf } from "./_bulk_answer.ts";
import { codeOf, reasonOf } from "./_errors.ts";
import type { Names } from "./_names.ts";
import type { Condition } from "./_query.ts";
import type { Terms } from "./_terms.ts";
import { AGAIN, type Connection, ONCE } from "./client.ts";
import type { ElasticsearchConfig } from "./config.ts";
import { ID_FIELD, WATERMARK_FIELD } from "./mappings.ts";

/** The type of all documents of this module, which no view has. */
const TYPE = "watermark";

/** Selects the documents of this module. */
export const IS_WATERMARK: Condition = { term: { type: { value: TYPE } } };

/** Most watermarks of all views: as many as a page can hold. */
const PAGE = 10_000;

/** A watermark's document; a barrier holds none. */
interface Source {
  readonly [WATERMARK_FIELD]?: Watermark;
}

/** A document that was found, with the index that holds it. */
export interface Found {
  /** Its index. */
  readonly _index: string;
  /** Its content. */
  readonly _source?: Source;
}

/** Two lines per document, as of a bulk request. */
type Lines = readonly string[];

/** The lines that write a barrier: an operation after all others of its index. */
export function barrierLines(alias: string): Lines {
  const document = { [ID_FIELD]: TYPE, type: TYPE };
  return [JSON.stringify({ index: { _index: alias, _id: TYPE } }), JSON.stringify(document)];
}

/** The lines that write a watermark under its external version. */
export function watermarkLines(alias: string, watermark: Watermark): Lines {
  const { part, version, body } = watermark;
  const _id = `${TYPE}|${part}`;
  const document = { [ID_FIELD]: _id, type: TYPE, [WATERMARK_FIELD]: { part, version, body } };
  return [
    JSON.stringify({ index: { _index: alias, _id, version, version_type: "external" } }),
    JSON.stringify(document),
  ];
}

/** The least watermark of each part that has one in every view, in the order of parts. */
export function leastWatermarks(found: readonly Found[]): Watermark[] {
  const parts = new Map<string, Watermark[]>();
  for (const { _source } of found) {
    const watermark = _source?.[WATERMARK_FIELD];
    if (watermark === undefined) continue;
    const same = parts.get(watermark.part);
    if (same === undefined) parts.set(watermark.part, [watermark]);
    else same.push(watermark);
  }
  return [...parts.values()].filter(({ length }) => length === VIEWS.length)
    .map((all) => all.reduce((least, each) => each.version < least.version ? each : least))
    .sort((a, b) => compareUtf8(a.part, b.part));
}

/** Writes and reads watermarks. */
export class Watermarks {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #config: ElasticsearchConfig;
  readonly #terms: Terms;

  /**
   * Nothing is read or written before the first call.
   *
   * @param terms notes where speed's documents were put, under the aliases of their indices.
   */
  constructor(
    connection: Connection,
    { names, config, terms }: {
      readonly names: Names;
      readonly config: ElasticsearchConfig;
      readonly terms: Terms;
    },
  ) {
    this.#connection = connection;
    this.#names = names;
    this.#config = config;
    this.#terms = terms;
  }

  /**
   * Writes watermarks once every copy finds what was written before: copies are refreshed one by
   * one, and a reader may find a watermark on one of them and look for documents on another. A
   * barrier whose answer waits for the next refresh of all copies costs no refresh of its own.
   *
   * @returns false, and writes none, if documents may have been lost since the last call.
   */
  async put(generation: number, watermarks: readonly Watermark[]): Promise<boolean> {
    const aliases = VIEWS.map((view) => this.#names.liveWrites(view, generation));
    const after = aliases.map((alias) => this.#terms.greatest(alias));
    const barriers = await this.#write(generation, aliases.flatMap(barrierLines), "wait_for");
    const lost = aliases.map((alias, i) => {
      const position = positionOf(barriers[i]!);
      return position !== undefined && this.#terms.check(alias, position, after[i]!);
    });
    if (lost.includes(true)) return false;
    if (watermarks.length === 0) return true;
    const lines = aliases.flatMap((alias) =>
      watermarks.flatMap((watermark) => watermarkLines(alias, watermark))
    );
    const items = await this.#write(generation, lines, false);
    for (const [i, item] of items.entries()) {
      const position = positionOf(item);
      const alias = aliases[Math.floor(i / watermarks.length)]!;
      if (position !== undefined) this.#terms.note(alias, position);
    }
    return true;
  }

  /** See `ServingStore.watermarks`; an index that is missing has none. */
  async list(generation: number): Promise<Watermark[]> {
    const what = `read the watermarks of generation ${generation}`;
    const { hits } = await this.#connection.call(
      what,
      (client, options) =>
        client.search<Source>({
          index: this.#names.lives(generation),
          ignore_unavailable: true,
          allow_partial_search_results: false,
          size: PAGE,
          query: IS_WATERMARK as never,
          filter_path: ["hits.hits._index", "hits.hits._source"],
        }, options),
    );
    const found = (hits?.hits ?? []) as Found[];
    if (found.length < PAGE) return leastWatermarks(found);
    throw new PipelineError("too_large", `Cannot ${what}: there are ${PAGE} or more`);
  }

  /** Writes all documents, or rejects. Repeating it is harmless. */
  #write(
    generation: number,
    operations: Lines,
    refresh: "wait_for" | false,
  ): Promise<ItemAnswer[]> {
    const what = `write watermarks of generation ${generation}`;
    return this.#connection.again(async () => {
      const { items } = await this.#connection.call(
        what,
        (client, options) =>
          client.bulk<string>({
            require_alias: true,
            refresh,
            operations: [...operations],
            filter_path: [...ITEM_FIELDS],
          }, options),
        { timeout: this.#config.bulkTimeout, policy: ONCE },
      );
      const answers = itemsOf(`watermarks of generation ${generation}`, items as never);
      if (answers.length !== operations.length / 2) {
        const wanted = operations.length / 2;
        throw new PipelineError(
          "corrupt",
          `Cannot ${what}: the answer has ${answers.length} items, not ${wanted}`,
        );
      }
      for (const { status, error } of answers) {
        if (status < 300) continue;
        const code = codeOf(status, error);
        // An equal or greater version is stored.
        if (code === "conflict") continue;
        throw new PipelineError(code, `Cannot ${what}: ${reasonOf(status, error)}`);
      }
      return answers;
    }, AGAIN);
  }
}
