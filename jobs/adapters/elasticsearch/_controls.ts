/**
 * Control documents: few, small, and read right after they were written.
 *
 * @module
 */

import { type ControlDocument, type ErrorCode, hasCode, PipelineError } from "@pipeline/core";
import { codeOf, type ErrorBody, reasonOf } from "./_errors.ts";
import type { Names } from "./_names.ts";
import { AGAIN, type Connection, ONCE } from "./client.ts";
import type { ElasticsearchConfig } from "./config.ts";
import { CONTROL_MAPPINGS, ID_FIELD } from "./mappings.ts";

/** A control document as stored in the index. */
interface Source {
  readonly id: string;
  readonly version: number;
  readonly body: unknown;
}

/** Most documents of one page. */
const PAGE = 1_000;

/** The index of control documents. */
export class Controls {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #config: ElasticsearchConfig;
  #made: Promise<void> | undefined;

  constructor(connection: Connection, names: Names, config: ElasticsearchConfig) {
    this.#connection = connection;
    this.#names = names;
    this.#config = config;
  }

  /**
   * Creates the index, once per process and only before the first write: if it is deleted later,
   * writes fail instead of recreating it.
   */
  make(): Promise<void> {
    return this.#made ??= this.#make().catch((error) => {
      this.#made = undefined;
      throw error;
    });
  }

  /** See `ServingStore.control`. */
  async get(id: string): Promise<ControlDocument | undefined> {
    return (await this.#find(id))?.document;
  }

  /** See `ServingStore.controls`. */
  async list(prefix: string): Promise<ControlDocument[]> {
    const found: ControlDocument[] = [];
    for (;;) {
      const last = found.at(-1);
      const answer = await this.#connection.call(
        "list control documents",
        (client, options) =>
          client.search<Source>({
            index: this.#names.control,
            ignore_unavailable: true,
            allow_partial_search_results: false,
            size: PAGE,
            query: { prefix: { [ID_FIELD]: { value: prefix } } },
            sort: [{ [ID_FIELD]: { order: "asc" } }],
            ...(last === undefined ? {} : { search_after: [last.id] }),
            filter_path: ["hits.hits._source", "timed_out"],
          }, options),
      );
      const page = answer.hits?.hits ?? [];
      for (const { _source } of page) found.push(toControl(_source!));
      if (page.length < PAGE) return found;
    }
  }

  /** See `ServingStore.putControl`. */
  async put(id: string, body: unknown, expected: number): Promise<number> {
    await this.make();
    const document: Source = { id, version: expected + 1, body };
    const what = `write the control document ${id}`;
    if (expected === 0) {
      await this.#expected(
        id,
        expected,
        () =>
          this.#connection.call(what, (client, options) =>
            client.create(
              {
                index: this.#names.controlWrites,
                id,
                document,
                require_alias: true,
                refresh: true,
              },
              options,
            ), { policy: ONCE }),
      );
      return 1;
    }
    const before = await this.#find(id);
    if (before?.document.version !== expected) throw conflict(id, expected);
    await this.#expected(
      id,
      expected,
      () =>
        this.#connection.call(what, (client, options) =>
          client.index({
            index: this.#names.controlWrites,
            id,
            document,
            if_seq_no: before.seq,
            if_primary_term: before.term,
            require_alias: true,
            refresh: true,
          }, options), { policy: ONCE }),
    );
    return document.version;
  }

  /** See `ServingStore.putControls`. */
  async putAll(documents: readonly ControlDocument[]): Promise<void> {
    if (documents.length === 0) return;
    await this.make();
    const operations = documents.flatMap(({ id, version, body }) => [
      JSON.stringify({ index: { _id: id, version, version_type: "external" } }),
      JSON.stringify({ id, version, body }),
    ]);
    await this.#bulk("write control documents", operations, "conflict");
  }

  /** See `ServingStore.removeControls`. */
  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const operations = ids.map((id) => JSON.stringify({ delete: { _id: id } }));
    await this.#bulk("remove control documents", operations, "not_found");
  }

  async #bulk(
    what: string,
    operations: string[],
    harmless: ErrorCode,
  ): Promise<void> {
    await this.#connection.again(async () => {
      const { items } = await this.#connection.call(what, (client, options) =>
        client.bulk<string>({
          index: this.#names.controlWrites,
          require_alias: true,
          refresh: true,
          operations,
          filter_path: ["items.*.status", "items.*.error"],
        }, options), { policy: ONCE });
      for (const item of items) {
        const { status = 0, error } = Object.values(item)[0]!;
        // Removing a missing document returns 404 without an error.
        if (status < 300 || (status === 404 && error === undefined)) continue;
        const body = error as ErrorBody | undefined;
        const code = codeOf(status, body);
        if (code === harmless) continue;
        throw new PipelineError(code, `Cannot ${what}: ${reasonOf(status, body)}`);
      }
    }, AGAIN);
  }

  async #find(id: string) {
    try {
      const answer = await this.#connection.call(
        `read the control document ${id}`,
        (c, options) => c.get<Source>({ index: this.#names.control, id, realtime: true }, options),
      );
      return {
        document: toControl(answer._source!),
        seq: answer._seq_no!,
        term: answer._primary_term!,
      };
    } catch (error) {
      // Either the document is missing or, before the first write, the index.
      if (hasCode(error, "not_found")) return undefined;
      throw error;
    }
  }

  async #expected(id: string, expected: number, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (hasCode(error, "conflict") || hasCode(error, "exists")) throw conflict(id, expected);
      throw error;
    }
  }

  async #make(): Promise<void> {
    const { control, controlWrites, unserved } = this.#names;
    const exists = await this.#connection.call(
      `look up the index ${control}`,
      (client, options) => client.indices.exists({ index: control }, options),
    );
    if (exists) return;
    await this.#connection.call(
      `make the index ${control}`,
      (client, options) =>
        client.indices.create({
          index: control,
          mappings: CONTROL_MAPPINGS as never,
          settings: {
            number_of_shards: 1,
            number_of_replicas: this.#config.replicas,
            // Writes refresh explicitly. A deleted document's version is forgotten at once, so that a new one may start lower.
            refresh_interval: "-1",
            gc_deletes: "0s",
          } as never,
          aliases: { [controlWrites]: { is_hidden: true }, [unserved]: { is_hidden: true } },
          wait_for_active_shards: 1,
        }, options),
    ).catch((error) => {
      if (!hasCode(error, "exists")) throw error;
    });
  }
}

function toControl({ id, version, body }: Source): ControlDocument {
  return { id, version, body };
}

function conflict(id: string, expected: number): PipelineError {
  return new PipelineError("conflict", `The control document ${id} is not at version ${expected}`);
}
