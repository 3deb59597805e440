/**
 * Converts Kafka's errors into the pipeline's: everything that is not known to be permanent is
 * `unavailable`, and so retried.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";

/** An error of the client: `type` is Kafka's own name of a protocol error, `name` the client's. */
interface ClientError extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
}

/**
 * Protocol errors by their meaning here; others are `unavailable`, including
 * `INVALID_REPLICATION_FACTOR`: more brokers may yet start. An unknown topic may also come from a
 * broker that has just started or has not learnt of a new topic: callers poll for a while
 * ({@linkcode UNKNOWN_FOR}).
 */
const CODES: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ["UNKNOWN_TOPIC_OR_PARTITION", "not_found"],
  ["OFFSET_OUT_OF_RANGE", "offset_out_of_range"],
  ["MESSAGE_TOO_LARGE", "too_large"],
  ["RECORD_LIST_TOO_LARGE", "too_large"],
  ["INVALID_TOPIC_EXCEPTION", "invalid"],
  ["INVALID_PARTITIONS", "invalid"],
  ["INVALID_CONFIG", "invalid"],
  ["INVALID_SESSION_TIMEOUT", "invalid"],
  ["POLICY_VIOLATION", "invalid"],
  ["TOPIC_ALREADY_EXISTS", "exists"],
  ["TOPIC_AUTHORIZATION_FAILED", "invalid"],
  ["GROUP_AUTHORIZATION_FAILED", "invalid"],
  ["CLUSTER_AUTHORIZATION_FAILED", "invalid"],
  ["TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "invalid"],
  ["SASL_AUTHENTICATION_FAILED", "invalid"],
  ["UNSUPPORTED_SASL_MECHANISM", "invalid"],
]);

/** Milliseconds for which a topic that was never seen may be unknown to a broker. */
export const UNKNOWN_FOR = 2_000;

/**
 * Messages of a broker, or of the client on its behalf, about credentials that are permanently
 * wrong. The client gives the same name to a connection that broke during authentication.
 */
const REFUSED = /invalid (username|credentials|oauth|server)|not supported by the server/i;

/** The error and its causes, including the client's wrappers. */
function* causes(error: unknown): Generator<ClientError> {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    yield at as ClientError;
    // Errors with several causes, such as topics that could not be created, list them.
    if ("errors" in at && Array.isArray(at.errors)) yield* at.errors as ClientError[];
  }
}

/** Kafka's name of a protocol error, if it is one; e.g. `NOT_LEADER_FOR_PARTITION`. */
export function protocolError(error: unknown): string | undefined {
  for (const { type } of causes(error)) if (typeof type === "string") return type;
  return undefined;
}

/** Protocol errors of a broker that is not, or not yet, the leader, which the client does not mark. */
const MOVED: ReadonlySet<string> = new Set(["UNKNOWN_TOPIC_OR_PARTITION", "LEADER_NOT_AVAILABLE"]);

/** Whether the same request may succeed later: the client's own mark, beneath its wrappers. */
export function isRetriable(error: unknown): boolean {
  for (const { name, type, retriable } of causes(error)) {
    if (name === "KafkaJSNumberOfRetriesExceeded") continue;
    if (name === "KafkaJSSASLAuthenticationError") return toPipelineError(error, "").retriable;
    return retriable === true || MOVED.has(type ?? "");
  }
  return true;
}

/**
 * The error in the pipeline's terms.
 *
 * @param what the attempted operation, for the message, e.g. `Appending to Kafka`.
 */
export function toPipelineError(error: unknown, what: string): PipelineError {
  if (error instanceof PipelineError) return error;
  for (const { name, type, message } of causes(error)) {
    const code = CODES.get(type ?? "");
    if (code !== undefined) return made(code, what, error);
    const refused = name === "KafkaJSSASLAuthenticationError" && REFUSED.test(message);
    if (refused) return made("invalid", what, error);
  }
  return made("unavailable", what, error);
}

function made(code: ErrorCode, what: string, cause: unknown): PipelineError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new PipelineError(code, `${what} failed: ${text}`, { cause });
}
