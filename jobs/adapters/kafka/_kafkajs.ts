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
// @ts-types="./_socket_factory.d.ts"
import defaultSocketFactory from "kafkajs/src/network/socketFactory.js";

export { AssignerProtocol, type ClientOptions, logLevel, type SASLOptions };

/** A record as the client decodes it. */
export interface FetchedRecord {
  /** A decimal number. */
  readonly offset: string;
  /** Milliseconds, a decimal number: the log's append time where the topic says so. */
  readonly timestamp: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** A mark of a transaction rather than a record. */
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly firstOffset: string; readonly lastOffsetDelta: number };
}

/** What a broker answers for one partition. */
export interface FetchedPartition {
  readonly partition: number;
  /** The end of what is committed, a decimal number. */
  readonly highWatermark: string;
  readonly messages: readonly FetchedRecord[];
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

/** One broker. */
export interface Broker {
  fetch(request: {
    readonly replicaId: -1;
    readonly isolationLevel: 0;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly FetchRequest[];
    }[];
  }): Promise<{
    readonly responses: readonly {
      readonly topicName: string;
      readonly partitions: readonly FetchedPartition[];
    }[];
  }>;
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
    isolationLevel: 0,
  }) as unknown as Cluster;
}
