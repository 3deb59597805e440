/**
 * Configuration of the Kafka adapter. Loads no client.
 *
 * @module
 */

import { byteSize, duration, integer, type QuantityField, text } from "@pipeline/runtime";
import { z } from "zod";

/** Authentication of a client. */
export interface SaslConfig {
  /** As configured on the brokers. */
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  /** The client's name. */
  readonly username: string;
  /** File with the password. */
  readonly passwordFile: string;
}

/** Encryption of connections. Certificates are always checked. */
export interface TlsConfig {
  /** PEM file of the authorities that the brokers' certificates are checked against. */
  readonly caFile?: string | undefined;
  /** PEM file of the client's own certificate. */
  readonly certFile?: string | undefined;
  /** PEM file of its key. */
  readonly keyFile?: string | undefined;
  /** Name that the certificates must have; the broker's host by default. */
  readonly serverName?: string | undefined;
}

/** Connection and use of Kafka. Times in milliseconds, sizes in bytes. */
export interface KafkaConfig {
  /** `host:port` of some brokers; the others are discovered through them. */
  readonly brokers: readonly string[];
  /** Shown in the brokers' logs and quotas. */
  readonly clientId: string;
  /** Prefix of the names of topics and groups. */
  readonly prefix: string;
  /** Replicas of each partition of the topics that are created. */
  readonly replication: number;
  /** Replicas that must have a record before it is acknowledged. */
  readonly minInsyncReplicas: number;
  /** How long the topics keep records. */
  readonly retention: number;
  /** Largest record, key and value. */
  readonly maxRecordBytes: number;
  /** How long a producer collects records. */
  readonly linger: number;
  /** Most bytes that a producer sends to one partition per request. */
  readonly batchBytes: number;
  /** Most bytes that are queued in a producer; further sends wait for space. */
  readonly bufferBytes: number;
  /** How long a producer retries until a record is acknowledged. */
  readonly deliveryTimeout: number;
  /** Longest that a broker delays an answer with few new records. */
  readonly fetchWait: number;
  /** Bytes of new records at which the broker answers at once. */
  readonly fetchMinBytes: number;
  /** Most bytes of one partition per answer. */
  readonly fetchBytes: number;
  /** Time of silence after which a member of a group loses its partitions. */
  readonly sessionTimeout: number;
  /** Longest time to wait for a connection. */
  readonly connectionTimeout: number;
  /** Longest time to wait for an answer. */
  readonly requestTimeout: number;
  /** Encryption; none by default. */
  readonly tls?: TlsConfig | undefined;
  /** Authentication; none by default. */
  readonly sasl?: SaslConfig | undefined;
}

/** Accepted input for a {@linkcode KafkaConfig}. */
export type KafkaInput = { brokers: string[] } & Partial<Record<keyof KafkaConfig, unknown>>;

const BROKER = 'an address such as "kafka-0:9092"';

const broker = z.string({ error: BROKER }).regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/@]+):\d{1,5}$/, {
  error: BROKER,
});

function time(limits: { min: number; max?: number }, prefault: string): z.ZodType<number> {
  const field: QuantityField = duration(limits);
  return field.prefault(prefault);
}

const PREFIX = 'letters, digits, ".", "_" and "-", at most 100';

/** Schema of {@linkcode KafkaConfig}. */
export const kafkaConfig: z.ZodType<KafkaConfig, KafkaInput> = z.strictObject({
  brokers: z.array(broker).min(1, { error: "at least one broker" })
    .describe("Addresses of some brokers; the others are discovered through them."),
  clientId: text().prefault("reddit-pipeline").describe("Shown in the brokers' logs and quotas."),
  prefix: z.string().regex(/^[a-zA-Z0-9._-]{0,100}$/, { error: PREFIX }).prefault("")
    .describe("Prefix of the names of topics and groups."),
  replication: integer({ min: 1, max: 10 }).prefault(3)
    .describe("Replicas of each partition of the topics that are created."),
  minInsyncReplicas: integer({ min: 1, max: 10 }).prefault(2)
    .describe("Replicas that must have a record before it is acknowledged."),
  retention: time({ min: 60_000 }, "7d").describe(
    "How long the topics keep records; several times the interval between batch runs.",
  ),
  maxRecordBytes: byteSize({ min: 1_024, max: 8 * 2 ** 20 }).prefault(900_000)
    .describe("Largest record, key and value; larger ones are refused."),
  linger: time({ min: 0, max: 1_000 }, "20ms").describe("How long a producer collects records."),
  batchBytes: byteSize({ min: 1_024, max: 8 * 2 ** 20 }).prefault(900_000).describe(
    "Most bytes that a producer sends to one partition at a time; below the brokers' message.max.bytes.",
  ),
  bufferBytes: byteSize({ min: 1_024 }).prefault("32MiB")
    .describe("Most bytes that are queued in a producer; further sends wait for space."),
  deliveryTimeout: time({ min: 1_000 }, "2m")
    .describe("How long a producer retries until a record is acknowledged."),
  fetchWait: time({ min: 1, max: 5_000 }, "50ms")
    .describe("Longest time that a broker delays an answer with few new records."),
  fetchMinBytes: byteSize({ min: 1, max: 10 * 2 ** 20 }).prefault("64KiB").describe(
    "Bytes of new records at which a broker answers at once: more costs brokers and clients less.",
  ),
  fetchBytes: byteSize({ min: 1_024, max: 100 * 2 ** 20 }).prefault("1MiB")
    .describe("Most bytes of one partition in one answer."),
  sessionTimeout: time({ min: 6_000, max: 1_800_000 }, "10s").describe(
    "Time of silence after which a member of a group loses its partitions; within the brokers' limits.",
  ),
  connectionTimeout: time({ min: 100 }, "3s").describe("Longest time to wait for a connection."),
  requestTimeout: time({ min: 1_000 }, "30s").describe("Longest time to wait for an answer."),
  tls: z.strictObject({
    caFile: text().optional().describe(
      "PEM file of the authorities that certificates are checked against; the system's by default.",
    ),
    certFile: text().optional().describe("PEM file of the client's own certificate."),
    keyFile: text().optional().describe("PEM file of the key of the client's certificate."),
    serverName: text().optional()
      .describe("Name that the certificates must have; the broker's host by default."),
  }).optional().describe("Encrypt connections; certificates are always checked."),
  sasl: z.strictObject({
    mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"])
      .describe("As configured on the brokers."),
    username: text().describe("The client's name."),
    passwordFile: text().describe("File that holds the password."),
  }).optional().describe("Authentication; none by default."),
}).superRefine((config, context) => {
  const refuse = (path: string[], message: string, input: unknown) =>
    context.addIssue({ code: "custom", path, message, input });
  if (config.minInsyncReplicas > config.replication) {
    refuse(["minInsyncReplicas"], "at most replication", config.minInsyncReplicas);
  }
  if (config.sasl?.mechanism === "plain" && config.tls === undefined) {
    refuse(["sasl", "mechanism"], "a SCRAM mechanism unless tls is set", config.sasl.mechanism);
  }
  if ((config.tls?.certFile === undefined) !== (config.tls?.keyFile === undefined)) {
    refuse(["tls", "keyFile"], "given together: certFile and keyFile", config.tls?.keyFile);
  }
});
