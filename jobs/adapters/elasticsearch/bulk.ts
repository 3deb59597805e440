/**
 * Writes documents in bulk requests. The client's own helper is not used: it drops items that were
 * answered with 503, does not retry a refused request, and flushes late.
 *
 * @module
 */

import type { PipelineError, StoredDocument } from "@pipeline/core";
import type { RetryPolicy } from "@pipeline/runtime";
import { type BulkPart, bulkParts } from "./_bulk_body.ts";
import { ITEM_FIELDS, type ItemAnswer, itemsOf, positionOf, sortAnswer } from "./_bulk_answer.ts";
import { Limiter } from "./_limiter.ts";
import type { Position } from "./_terms.ts";
import { type Connection, ONCE } from "./client.ts";
import type { ElasticsearchConfig } from "./config.ts";

/** Documents are retried for some 20 s here, so that only the refused ones are sent again. */
const POLICY: RetryPolicy = { base: 100, max: 5_000, attempts: 12 };

/** The server waits for an unavailable shard for less time than we wait for the server. */
const SERVER_SHARE = 0.8;

/** Writes documents under external versions. */
export class BulkWriter {
  readonly #connection: Connection;
  readonly #config: ElasticsearchConfig;
  readonly #room: Limiter;

  /** All writes over the connection share the limit of concurrent requests. */
  constructor(connection: Connection, config: ElasticsearchConfig) {
    this.#connection = connection;
    this.#config = config;
    this.#room = new Limiter(config.bulkConcurrency);
  }

  /**
   * Writes documents through an alias. Resolves when each one, or an equal or greater version, is
   * stored. The alias must exist: no write creates an index.
   *
   * Items and requests that are refused temporarily (429, 5xx, no connection, a blocked index) are
   * resent with jitter. After some time the call rejects (`unavailable` or `full`), for the job to
   * decide; writing everything again is harmless.
   *
   * @param onWritten called with the position of every document that was written now.
   */
  async write(
    alias: string,
    documents: readonly StoredDocument[],
    onWritten?: (position: Position) => void,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    for (const part of bulkParts(documents, this.#config)) {
      await this.#room.acquire();
      if (failure !== undefined) {
        this.#room.release();
        break;
      }
      const sent = this.#send(alias, part, onWritten)
        .catch((error) => void (failure ??= { error }))
        .finally(() => {
          this.#room.release();
          running.delete(sent);
        });
      running.add(sent);
    }
    await Promise.all(running);
    if (failure !== undefined) throw failure.error;
  }

  async #send(
    alias: string,
    part: BulkPart,
    onWritten: ((position: Position) => void) | undefined,
  ): Promise<void> {
    let { lines, documents } = part;
    await this.#connection.again(async () => {
      const items = await this.#request(alias, lines.flat());
      for (const item of onWritten === undefined ? [] : items) {
        const position = positionOf(item);
        if (position !== undefined) onWritten?.(position);
      }
      const { again, error } = sortAnswer(alias, documents, items);
      lines = again.map((i) => lines[i]!);
      documents = again.map((i) => documents[i]!);
      if (again.length > 0) throw error as PipelineError;
    }, POLICY);
  }

  async #request(alias: string, operations: string[]): Promise<ItemAnswer[]> {
    const timeout = this.#config.bulkTimeout;
    const { items } = await this.#connection.call(
      `write to ${alias}`,
      (client, options) =>
        client.bulk<string>({
          index: alias,
          require_alias: true,
          operations,
          timeout: `${Math.floor(timeout * SERVER_SHARE)}ms`,
          filter_path: [...ITEM_FIELDS],
        }, options),
      { timeout, policy: ONCE },
    );
    return itemsOf(alias, items as never);
  }
}
