/**
 * Reads partitions from their leaders. All partitions to be read from one broker share its
 * connection and one request at a time, since a broker answers the requests of a connection in
 * order.
 *
 * @module
 */

import {
  hasCode,
  type LogBatch,
  partitionName,
  PipelineError,
  type StopReason,
  UnreadableError,
} from "@pipeline/core";
import { errorText, type Logger, stopped, withTimeout } from "@pipeline/runtime";
import {
  type Broker,
  type ClientOptions,
  type Cluster,
  createCluster,
  type FetchedPartition,
  fetchPartitions,
} from "./_kafkajs.ts";
import type { KafkaConfig } from "./config.ts";
import { protocolError, toPipelineError } from "./errors.ts";
import { decodeBatches } from "./record_batch.ts";

/** Milliseconds between attempts while a partition has no leader, or its broker is unavailable. */
const PAUSE = 200;

/**
 * Milliseconds for which a topic may be unknown: a starting broker does not know all topics yet.
 */
const UNKNOWN = 15_000;

/** Milliseconds beyond the client's own limit after which a request is abandoned. */
const MARGIN = 5_000;

/** Most bytes of one answer. */
const ANSWER_BYTES = 16 << 20;

interface PendingFetch {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  resolve(batch: LogBatch): void;
  reject(error: unknown): void;
  /** When the topic was first found unknown, by the monotonic clock. */
  unknownSince: number | undefined;
}

/** Reads partitions; each has at most one pending fetch. */
export class Fetcher {
  readonly #cluster: Cluster;
  readonly #config: KafkaConfig;
  readonly #logger: Logger | undefined;
  readonly #topics = new Set<string>();
  readonly #pending = new Set<PendingFetch>();
  /** Brokers with a pending request. */
  readonly #polling = new Set<number>();
  #connected: Promise<void> | undefined;
  #closed = false;

  /** Connects on the first fetch; the logger receives retries. */
  constructor(
    options: ClientOptions,
    { config, logger }: { readonly config: KafkaConfig; readonly logger: Logger | undefined },
  ) {
    this.#cluster = createCluster(options);
    this.#config = config;
    this.#logger = logger;
  }

  /**
   * The next records of a partition: waits until there are any.
   *
   * @returns all records that the broker sent from the offset on.
   * @throws {PipelineError} `offset_out_of_range`, without details: the caller reads the current
   * range; `not_found` if topic or partition stays unknown; `invalid` if reading is not permitted;
   * `stopped` at the signal.
   * @throws {UnreadableError} if the next batch cannot be read; it may be fetched again.
   */
  next(
    topic: string,
    partition: number,
    options: { readonly from: number; readonly signal: AbortSignal },
  ): Promise<LogBatch> {
    const { from, signal } = options;
    if (signal.aborted || this.#closed) return Promise.reject(stopped(signal));
    const { promise, resolve, reject } = Promise.withResolvers<LogBatch>();
    const pending: PendingFetch = {
      topic,
      partition,
      from,
      resolve,
      reject,
      unknownSince: undefined,
    };
    const onAbort = () => {
      this.#pending.delete(pending);
      reject(stopped(signal));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#pending.add(pending);
    this.#dispatch();
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Ends all fetches. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const pending of this.#pending) {
      pending.reject(new PipelineError("stopped", "The log is closed"));
    }
    this.#pending.clear();
    await this.#connected?.catch(() => {});
    await this.#cluster.disconnect();
  }

  /** Ensures that the leader of every pending fetch is being polled. */
  async #dispatch(): Promise<void> {
    try {
      await this.#bounded("connect", () => this.#connected ??= this.#cluster.connect());
      await this.#bounded("find leaders", () => this.#learn());
    } catch (error) {
      // Not connected, or an unknown topic: retry in a moment.
      this.#connected = this.#cluster.isConnected() ? this.#connected : undefined;
      this.#giveUpUnknown(error);
      return this.#later();
    }
    let homeless = false;
    for (const pending of this.#pending) {
      const leader = this.#leaderOf(pending);
      if (leader === undefined) homeless = true;
      else this.#poll(leader);
    }
    if (homeless) this.#later();
  }

  /**
   * The client ends requests in time, except one that is pending while its connection is closed for
   * another reason, such as a broker that has left the cluster.
   */
  #bounded<T>(what: string, work: () => Promise<T>): Promise<T> {
    const ms = this.#config.requestTimeout + MARGIN;
    return withTimeout(work, { ms, what: `Kafka, asked to ${what},` });
  }

  #waiting = false;

  #later(): void {
    if (this.#waiting || this.#closed || this.#pending.size === 0) return;
    this.#waiting = true;
    setTimeout(async () => {
      this.#waiting = false;
      if (this.#closed) return;
      await this.#bounded("find leaders", () => this.#cluster.refreshMetadata()).catch(
        () => {},
      );
      this.#dispatch();
    }, PAUSE);
  }

  /** Loads the metadata of topics that were not requested before. */
  async #learn(): Promise<void> {
    const topics = new Set([...this.#pending].map(({ topic }) => topic));
    const missing = [...topics].filter((topic) => !this.#topics.has(topic));
    if (missing.length > 0) {
      await this.#cluster.addMultipleTargetTopics(missing);
      for (const topic of missing) this.#topics.add(topic);
    }
    await this.#cluster.refreshMetadataIfNecessary();
  }

  #leaderOf({ topic, partition }: PendingFetch): number | undefined {
    const found = this.#cluster.findTopicPartitionMetadata(topic)
      .find(({ partitionId }) => partitionId === partition);
    return found === undefined || found.leader < 0 ? undefined : found.leader;
  }

  #giveUpUnknown(error: unknown): void {
    if (protocolError(error) !== "UNKNOWN_TOPIC_OR_PARTITION") return;
    const now = performance.now();
    for (const pending of this.#pending) {
      if (this.#topics.has(pending.topic)) continue;
      pending.unknownSince ??= now;
      if (now - pending.unknownSince < UNKNOWN) continue;
      this.#pending.delete(pending);
      pending.reject(toPipelineError(error, `Reading ${pending.topic}`));
    }
  }

  /** Polls one broker, as long as it has pending fetches. */
  async #poll(leader: number): Promise<void> {
    if (this.#polling.has(leader)) return;
    this.#polling.add(leader);
    try {
      const broker = await this.#bounded(
        `connect to broker ${leader}`,
        () => this.#cluster.findBroker({ nodeId: leader }),
      );
      while (!this.#closed) {
        const fetches = [...this.#pending].filter((pending) => this.#leaderOf(pending) === leader);
        if (fetches.length === 0) break;
        await this.#bounded(`read from broker ${leader}`, () => this.#ask(broker, fetches));
        this.#reported.delete(leader);
      }
    } catch (error) {
      this.#report(leader, error);
      this.#later();
    } finally {
      this.#polling.delete(leader);
    }
    // A fetch that has just been added found the broker already being polled.
    if ([...this.#pending].some((pending) => this.#leaderOf(pending) === leader)) this.#later();
  }

  /** The last reported failure of each broker. */
  readonly #reported = new Map<number, string>();

  /** Logs new failures only: an unavailable broker fails the same way several times a second. */
  #report(leader: number, error: unknown): void {
    const text = errorText(error);
    if (this.#closed || this.#reported.get(leader) === text) return;
    this.#reported.set(leader, text);
    this.#logger?.warn(`Reading from broker ${leader} is tried again: ${text}`, { broker: leader });
  }

  async #ask(broker: Broker, fetches: readonly PendingFetch[]): Promise<void> {
    const { fetchWait, fetchMinBytes, fetchBytes } = this.#config;
    // The oldest fetch comes first: a batch that is larger than the requested size is sent whole to
    // the first partition that has data, and to no other.
    const topics = Map.groupBy(fetches, ({ topic }) => topic);
    const answers = await fetchPartitions(broker, {
      maxWaitTime: fetchWait,
      minBytes: fetchMinBytes,
      maxBytes: ANSWER_BYTES,
      topics: [...topics].map(([topic, of]) => ({
        topic,
        partitions: of.map(({ partition, from }) => ({
          partition,
          fetchOffset: String(from),
          maxBytes: fetchBytes,
        })),
      })),
    });
    let failed: unknown;
    for (const answer of answers) {
      const pending = fetches.find((w) =>
        w.topic === answer.topic && w.partition === answer.partition
      );
      if (pending === undefined || !this.#pending.has(pending)) continue;
      try {
        const batch = answered(pending, answer);
        if (batch === undefined) continue;
        this.#pending.delete(pending);
        pending.resolve(batch);
      } catch (error) {
        if (!isFinal(error)) failed = error;
        else {
          this.#pending.delete(pending);
          pending.reject(error);
        }
      }
    }
    // Another broker leads the partition, or will: the other partitions have their answers.
    if (failed !== undefined) throw failed;
  }
}

/** Whether a retry at the same or another broker is useless. */
function isFinal(error: unknown): boolean {
  return hasCode(error, "offset_out_of_range") || hasCode(error, "corrupt") ||
    hasCode(error, "invalid");
}

/** Kafka's names of errors of the broker that has the batch: a retry may not help. */
const UNREADABLE: ReadonlySet<string> = new Set([
  "CORRUPT_MESSAGE",
  "UNSUPPORTED_COMPRESSION_TYPE",
  "UNKNOWN",
]);

/**
 * The records from the requested offset on; none if there is nothing new.
 *
 * @throws {PipelineError} the broker's error; {@linkcode UnreadableError} if the next batch is
 * damaged.
 */
function answered(
  { topic, partition, from }: Pick<PendingFetch, "topic" | "partition" | "from">,
  { error, end, batches, aborted }: FetchedPartition,
): LogBatch | undefined {
  const name = partitionName(topic, partition);
  const stop = (offset: number, reason: StopReason, what: string, cause: unknown) => {
    const why = `${name} stands still at offset ${offset}: ${what}`;
    return new UnreadableError({ topic, partition, offset, reason, why }, { cause });
  };
  if (error !== undefined) {
    const type = protocolError(error) ?? "";
    if (UNREADABLE.has(type)) {
      throw stop(from, "broker", `its broker answers: ${error.message}`, error);
    }
    if (type !== "OFFSET_OUT_OF_RANGE") throw toPipelineError(error, `Reading ${name}`);
    const message = `Offset ${from} of ${name} is not in the log`;
    throw new PipelineError("offset_out_of_range", message, { cause: error });
  }
  const { records, next, damage } = decodeBatches(batches, { from, end, aborted });
  if (next > from) return { topic, partition, startOffset: from, nextOffset: next, records };
  if (damage === undefined) return undefined;
  throw stop(damage.offset, damage.reason, `the batch ${damage.what}`, damage.cause);
}
