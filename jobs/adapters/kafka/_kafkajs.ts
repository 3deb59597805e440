/**
 * The private part of kafkajs that is needed: requests to single brokers. Its consumer jumps if an
 * offset is out of range, and cannot read without a group; its producer may append records twice
 * (see `appender.ts`); its protocol layer is sound. Typed by
 * hand, from the sources of 2.2.4, to which it is pinned.
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

/** A broker's answer for one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The broker's error, as one of the client. */
  readonly error: Error | undefined;
  /** The last stable offset: no open transaction is before it. */
  readonly end: number;
  /** Aborted transactions in the answer. */
  readonly aborted: readonly AbortedTransaction[];
  /** Batches, of which the last may be truncated. */
  readonly batches: Uint8Array;
}

/** A partition and the offset to read from. */
export interface FetchRequest {
  readonly partition: number;
  /** A decimal number. */
  readonly fetchOffset: string;
  readonly maxBytes: number;
}

/** A member of a group, as its leader sees it. */
export interface GroupMember {
  readonly memberId: string;
  readonly memberMetadata: Uint8Array;
}

/** Options of a fetch; only committed records are returned. */
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

/** An encoded request of the client. */
interface ClientRequest {
  readonly request: { readonly apiVersion: number };
  readonly requestTimeout: number;
}

/** Identifies a producer to the brokers. */
export interface ProducerNumber {
  /** A decimal number. */
  readonly producerId: string;
  readonly producerEpoch: number;
}

/** Records for several partitions that a broker leads, to append as one batch each. */
export interface ProduceOptions extends ProducerNumber {
  /** -1: by all in-sync replicas. */
  readonly acks: -1;
  /** Milliseconds that the broker may wait for the replicas. */
  readonly timeout: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[];
    }[];
  }[];
}

/** One broker. */
export interface Broker {
  initProducerId(request: { readonly transactionTimeout: number }): Promise<ProducerNumber>;
  /** Rejects with the first error of a partition, if any has one. */
  produce(request: ProduceOptions): Promise<{
    readonly topics: readonly {
      readonly topicName: string;
      readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[];
    }[];
  }>;
  /** Creates requests of one kind, in the newest version that client and broker share. */
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

/** Connections to the brokers of one cluster, and metadata of its topics. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findControllerBroker(): Promise<Broker>;
  findBroker(of: { readonly nodeId: string | number }): Promise<Broker>;
  findGroupCoordinator(of: { readonly groupId: string }): Promise<Broker>;
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number }[];
}

/** Opens separate connections: a broker answers the requests of one connection in order. */
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

/** API key of Fetch. */
const FETCH = 1;

/** Isolation level: only committed records; the other level is 0. */
const READ_COMMITTED = 1;

/**
 * Fetches records from one broker. The client's own call would be all or nothing: one partition's
 * error, or one undecodable batch, would lose the batches of all others.
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
    // As the client does for each of its own requests.
    const closed = error instanceof Error && error.name === "KafkaJSConnectionClosedError";
    if (closed) await broker.disconnect();
    throw error;
  }
}
