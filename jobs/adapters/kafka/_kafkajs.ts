/**
 * The part of kafkajs that is not public but needed: requests to single brokers. Its
 * consumer jumps where an offset is out of range, and cannot read without a group; its
 * protocol is sound. Typed by hand, after the sources of 2.2.4, to which it is pinned.
 *
 * @module
 */

import type { KafkaConfig as ClientOptions, SASLOptions } from "kafkajs";
import { AssignerProtocol, logLevel } from "kafkajs";
// @ts-types="./_cluster.d.ts"
import UntypedCluster from "kafkajs/src/cluster/index.js";
// @ts-types="./_loggers.d.ts"
import { createLogger as createClientLogger } from "kafkajs/src/loggers/index.js";
// @ts-types="./_protocol_error.d.ts"
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
// @ts-types="./_fetch_request.d.ts"
import fetchRequest from "kafkajs/src/protocol/requests/fetch/index.js";
// @ts-types="./_socket_factory.d.ts"
import defaultSocketFactory from "kafkajs/src/network/socketFactory.js";
import { decodeFetch } from "./_fetch_answer.ts";
import type { AbortedTransaction } from "./record_batch.ts";

export { AssignerProtocol, type ClientOptions, logLevel, type SASLOptions };

/** What a broker answers for one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** What kept the broker from answering, in the client's terms. */
  readonly error: Error | undefined;
  /** The last stable offset: no transaction is under way before it. */
  readonly end: number;
  /** Transactions in the answer that were aborted. */
  readonly aborted: readonly AbortedTransaction[];
  /** Batches, the last of which may be there in part. */
  readonly batches: Uint8Array;
}

/** A partition and where to read it from. */
export interface FetchRequest {
  readonly partition: number;
  /** A decimal number. */
  readonly fetchOffset: string;
  readonly maxBytes: number;
}

/** Who takes part in a group, as its leader is told. */
export interface GroupMember {
  readonly memberId: string;
  readonly memberMetadata: Uint8Array;
}

/** What is asked of a broker; only what was committed is answered. */
export interface FetchOptions {
  /** Milliseconds. */
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly FetchRequest[];
  }[];
}

/** A request as the client encodes it. */
interface ClientRequest {
  readonly request: { readonly apiVersion: number };
  readonly requestTimeout: number;
}

/** One broker. */
export interface Broker {
  /** Makes requests of one kind, in the newest version that client and broker know. */
  lookupRequest(kind: number, versions: unknown): (request: object) => ClientRequest;
  readonly connectionPool: {
    send<T>(
      request: ClientRequest & {
        readonly response: { decode(answer: Uint8Array): T; parse(decoded: T): T };
        readonly logResponseError: false;
      },
    ): Promise<T>;
  };
  disconnect(): Promise<void>;
  joinGroup(request: {
    readonly groupId: string;
    readonly sessionTimeout: number;
    readonly rebalanceTimeout: number;
    readonly memberId: string;
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Uint8Array }[];
  }): Promise<{
    readonly generationId: number;
    readonly leaderId: string;
    readonly memberId: string;
    readonly members: readonly GroupMember[];
  }>;
  syncGroup(request: {
    readonly groupId: string;
    readonly generationId: number;
    readonly memberId: string;
    readonly groupAssignment: readonly {
      readonly memberId: string;
      readonly memberAssignment: Uint8Array;
    }[];
  }): Promise<{ readonly memberAssignment: Uint8Array }>;
  heartbeat(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
  }): Promise<unknown>;
  offsetCommit(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }): Promise<unknown>;
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
}

/** Connections to the brokers of one cluster, and what is known of its topics. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findBroker(of: { readonly nodeId: string | number }): Promise<Broker>;
  findGroupCoordinator(of: { readonly groupId: string }): Promise<Broker>;
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number }[];
}

/** Opens connections of its own: a broker answers the requests of one connection in order. */
export function createCluster(options: ClientOptions): Cluster {
  const logger = createClientLogger({
    level: options.logLevel ?? logLevel.NOTHING,
    logCreator: options.logCreator!,
  });
  return new UntypedCluster({
    ...options,
    logger,
    socketFactory: options.socketFactory ?? defaultSocketFactory(),
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
  }) as unknown as Cluster;
}

/** Number of the request that reads records (Kafka protocol, API keys). */
const FETCH = 1;

/** Readers see what was committed; the other level is 0. */
const READ_COMMITTED = 1;

/**
 * Asks one broker for records. The client's own answer would be all or nothing: one partition's
 * error, or one batch that it cannot decode, and those of the others are lost.
 */
export async function fetchPartitions(
  broker: Broker,
  options: FetchOptions,
): Promise<readonly FetchedPartition[]> {
  const asked = broker.lookupRequest(FETCH, fetchRequest)({
    ...options,
    replicaId: -1,
    isolationLevel: READ_COMMITTED,
  });
  const { apiVersion } = asked.request;
  try {
    const { partitions } = await broker.connectionPool.send({
      ...asked,
      response: {
        decode: (answer) => decodeFetch(answer, { apiVersion, createError: createErrorFromCode }),
        parse: (decoded) => decoded,
      },
      logResponseError: false,
    });
    return partitions;
  } catch (error) {
    // As the client does with every request of its own.
    const closed = error instanceof Error && error.name === "KafkaJSConnectionClosedError";
    if (closed) await broker.disconnect();
    throw error;
  }
}
