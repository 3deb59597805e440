import { type ErrorCode, PipelineError } from "@pipeline/core";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { isRetriable, protocolError, toPipelineError } from "./errors.ts";

/** An error of the client, which does not export its classes. */
function named(name: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { name, retriable: false, ...more });
}

/** An error of a broker. */
function protocol(type: string): Error {
  return named("KafkaJSProtocolError", `What ${type} says`, { type, code: 1 });
}

/** The client's error when it stops retrying. */
function exhausted(cause: Error): Error {
  return named("KafkaJSNumberOfRetriesExceeded", cause.message, { cause, retryCount: 3 });
}

const sasl = (message: string) =>
  named("KafkaJSSASLAuthenticationError", `SASL SCRAM SHA512 authentication failed: ${message}`);

/** Kafka's names of errors, by their meaning. */
const BY_NAME: readonly (readonly [ErrorCode, readonly string[]])[] = [
  ["not_found", ["UNKNOWN_TOPIC_OR_PARTITION"]],
  ["exists", ["TOPIC_ALREADY_EXISTS"]],
  ["offset_out_of_range", ["OFFSET_OUT_OF_RANGE"]],
  ["too_large", ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]],
  ["invalid", [
    "TOPIC_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "CLUSTER_AUTHORIZATION_FAILED",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    "SASL_AUTHENTICATION_FAILED",
    "UNSUPPORTED_SASL_MECHANISM",
    "INVALID_SESSION_TIMEOUT",
    "INVALID_TOPIC_EXCEPTION",
    "INVALID_PARTITIONS",
    "INVALID_CONFIG",
    "POLICY_VIOLATION",
  ]],
  ["unavailable", [
    "NOT_LEADER_FOR_PARTITION",
    "LEADER_NOT_AVAILABLE",
    "REPLICA_NOT_AVAILABLE",
    "BROKER_NOT_AVAILABLE",
    "NOT_CONTROLLER",
    "FENCED_LEADER_EPOCH",
    "UNKNOWN_LEADER_EPOCH",
    "OFFSET_NOT_AVAILABLE",
    "COORDINATOR_LOAD_IN_PROGRESS",
    "COORDINATOR_NOT_AVAILABLE",
    "GROUP_COORDINATOR_NOT_AVAILABLE",
    "NOT_COORDINATOR_FOR_GROUP",
    "REBALANCE_IN_PROGRESS",
    "UNKNOWN_MEMBER_ID",
    "ILLEGAL_GENERATION",
    "MEMBER_ID_REQUIRED",
    "FENCED_INSTANCE_ID",
    "INCONSISTENT_GROUP_PROTOCOL",
    "REQUEST_TIMED_OUT",
    "NETWORK_EXCEPTION",
    "NOT_ENOUGH_REPLICAS",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    "INVALID_REPLICATION_FACTOR",
    "KAFKA_STORAGE_ERROR",
    "THROTTLING_QUOTA_EXCEEDED",
    "UNKNOWN",
    "A_NAME_OF_A_LATER_KAFKA",
  ]],
];

Deno.test("toPipelineError() takes for permanent only what Kafka is known to mean so", () => {
  for (const [code, names] of BY_NAME) {
    for (const name of names) {
      const told = [
        protocol(name),
        exhausted(protocol(name)),
        named("KafkaJSNonRetriableError", "wrapped", { cause: exhausted(protocol(name)) }),
        named("KafkaJSAggregateError", "Topic creation errors", { errors: [protocol(name)] }),
      ];
      for (const error of told) {
        assertEquals(toPipelineError(error, "Asking").code, code, `${name} in ${error.name}`);
        assertEquals(protocolError(error), name);
      }
    }
  }
});

Deno.test("toPipelineError() is retriable if only the client reports that it gave up", () => {
  const errors: readonly unknown[] = [
    named("KafkaJSError", "Something"),
    named("KafkaJSNonRetriableError", "The producer is disconnected"),
    named("KafkaJSConnectionError", "Connection error: connect ECONNREFUSED 127.0.0.1:9092"),
    named("KafkaJSConnectionError", "Connection error: getaddrinfo ENOTFOUND kafka-0", {
      broker: "kafka-0:9092",
      code: "ENOTFOUND",
    }),
    exhausted(named("KafkaJSConnectionError", "Connection timeout")),
    named("KafkaJSBrokerNotFound", "Broker 2 not found in the cached metadata"),
    named("KafkaJSServerDoesNotSupportApiKey", "The Kafka server does not support ..."),
    named("KafkaJSPartialMessageError", "Tried to decode a partial message"),
    new Error("Client network socket disconnected before secure TLS connection was established"),
    new TypeError("Cannot read properties of undefined"),
    "a string",
  ];
  for (const error of errors) {
    assertEquals(toPipelineError(error, "Asking").code, "unavailable", String(error));
  }
});

Deno.test("toPipelineError() distinguishes refused credentials from a connection that broke", () => {
  const refused = [
    "Authentication failed during authentication due to invalid credentials with SASL mechanism " +
    "SCRAM-SHA-512",
    "Authentication failed: Invalid username or password",
    "Invalid server signature in server final message",
  ];
  for (const message of refused) {
    assertEquals(toPipelineError(exhausted(sasl(message)), "Asking").code, "invalid", message);
  }
  const mechanism = "SASL PLAIN mechanism is not supported by the server";
  const unsupported = named("KafkaJSSASLAuthenticationError", mechanism);
  assertEquals(toPipelineError(unsupported, "Asking").code, "invalid");
  const passing = [
    "Connection timeout",
    "Closed connection",
    "Request SaslAuthenticate(key: 36, version: 1) timed out",
    "Authentication failed: credentials for user could not be verified",
  ];
  for (const message of passing) {
    assertEquals(toPipelineError(sasl(message), "Asking").code, "unavailable", message);
  }
});

Deno.test("toPipelineError() names the attempted operation, and leaves our own errors unchanged", () => {
  const ours = new PipelineError("stopped", "The log is closed");
  assertEquals(toPipelineError(ours, "Asking"), ours);
  const error = toPipelineError(
    protocol("NOT_LEADER_FOR_PARTITION"),
    "Asking for the offsets of x",
  );
  assertStringIncludes(error.message, "Asking for the offsets of x failed: What NOT_LEADER");
});

Deno.test("isRetriable() follows the client's mark of the error beneath its wrappers", () => {
  const moved = protocol("LEADER_NOT_AVAILABLE");
  const closed = named("KafkaJSConnectionClosedError", "Closed connection", { retriable: true });
  const timeout = named("KafkaJSRequestTimeoutError", "Request Produce timed out", {
    retriable: true,
  });
  for (const error of [moved, closed, timeout, exhausted(closed), exhausted(exhausted(moved))]) {
    assertEquals(isRetriable(error), true, error.message);
  }
  assertEquals(isRetriable(new PipelineError("unavailable", "The partition has no leader")), true);
  assertEquals(isRetriable(sasl("Connection closed by the server")), true);
});

Deno.test("isRetriable() refuses errors after which the same request cannot succeed", () => {
  const errors = [
    protocol("OUT_OF_ORDER_SEQUENCE_NUMBER"),
    exhausted(protocol("TOPIC_AUTHORIZATION_FAILED")),
    sasl("Authentication failed during authentication due to invalid credentials"),
    new PipelineError("invalid", "A configuration"),
    new TypeError("A mistake of our own"),
  ];
  for (const error of errors) assertEquals(isRetriable(error), false, error.message);
});
