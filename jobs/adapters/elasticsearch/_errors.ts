/**
 * The meaning of the server's answers and the client's errors: everything that is not known to be
 * permanent is `unavailable`, and so retried.
 *
 * @module
 */

import { errors } from "@elastic/elasticsearch";
import { type ErrorCode, PipelineError } from "@pipeline/core";

/** The fields in use of an answer's or item's error. */
export interface ErrorBody {
  /** Such as `version_conflict_engine_exception`. */
  readonly type?: string;
  /** The server's explanation. */
  readonly reason?: string | null;
  /** The index concerned. */
  readonly index?: string;
  /** Its cause. */
  readonly caused_by?: ErrorBody;
  /** Its causes, by shard. */
  readonly root_cause?: readonly ErrorBody[];
  /** Errors of the shards that failed. */
  readonly failed_shards?: readonly { readonly reason?: ErrorBody }[];
}

/** Messages about a rejected certificate from OpenSSL, Node and Rustls. */
const CERTIFICATE =
  /certificate|CERT_|self[- _]signed|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ALTNAME|UnknownIssuer|NotValidForName/i;

/** The server's error types with one permanent meaning. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ["index_not_found_exception", "not_found"],
  ["aliases_not_found_exception", "not_found"],
  ["document_missing_exception", "not_found"],
  ["resource_already_exists_exception", "exists"],
  ["version_conflict_engine_exception", "conflict"],
  ...[
    "action_request_validation_exception",
    "document_parsing_exception",
    "illegal_argument_exception",
    "invalid_alias_name_exception",
    "invalid_index_name_exception",
    "invalid_index_template_exception",
    "json_parse_exception",
    "mapper_exception",
    "mapper_parsing_exception",
    "media_type_header_exception",
    "named_object_not_found_exception",
    "number_format_exception",
    "parse_exception",
    "parsing_exception",
    "query_shard_exception",
    "script_exception",
    "settings_exception",
    "strict_dynamic_mapping_exception",
    "stream_constraints_exception",
    "validation_exception",
    "x_content_parse_exception",
  ].map((type) => [type, "invalid"] as const),
]);

/** Types of transient errors; they are decisive even as the cause of a permanent one. */
const PASSING =
  /circuit_breaking|rejected_execution|unavailable|no_shard_available|shard_not_found|recovering|not_started|timeout|transport|node_closed|disconnected|not_discovered|cluster_block|cancelled/;

/**
 * The code for an answer with a status of 400 or more, even one that is not from Elasticsearch: a
 * proxy on the way has a 404 of its own.
 *
 * A block on an index is waited out like the full disk that causes it, and so is the limit of
 * shards: `full`. The refusal of a user is waited out too: the server also refuses users before it
 * can read its own index of users and roles.
 */
export function codeOf(status: number, body: ErrorBody = {}): ErrorCode {
  const { type = "", reason } = body;
  if (type === "cluster_block_exception") {
    return /read-only|read_only|flood|index write/i.test(reason ?? "") ? "full" : "unavailable";
  }
  if (/maximum (normal )?shards open/i.test(reason ?? "")) return "full";
  if (status === 413) return "too_large";
  if (status === 408 || status === 429 || status >= 500) return "unavailable";
  const causes = causesOf(body);
  if ([body, ...causes].some(({ type = "" }) => PASSING.test(type))) return "unavailable";
  if (type !== "search_phase_execution_exception") return CODES.get(type) ?? "unavailable";
  // The shards' errors decide: one of them may answer the next time.
  const codes = causes.map(({ type = "" }) => CODES.get(type) ?? "unavailable");
  return codes.find((code) => code === "unavailable") ?? codes[0] ?? "unavailable";
}

/** All causes of an error. */
function causesOf({ root_cause = [], failed_shards = [], caused_by }: ErrorBody): ErrorBody[] {
  const shards = failed_shards.flatMap(({ reason }) => reason ?? []);
  const causes = [...root_cause, ...shards, ...caused_by === undefined ? [] : [caused_by]];
  return causes.flatMap((cause) => [cause, ...causesOf(cause)]);
}

/** The server's explanation of an error, in one line. */
export function reasonOf(status: number, body: ErrorBody | undefined): string {
  const said = [body?.type, body?.reason].filter((part) => part).join(": ");
  return said === "" ? `status ${status}` : `status ${status}, ${said}`;
}

/** The error of an answer, if it is one. */
export function errorBody(error: unknown): ErrorBody | undefined {
  if (!(error instanceof errors.ResponseError)) return undefined;
  const body: unknown = error.body?.error;
  if (typeof body === "string") return { reason: body };
  return body === null || typeof body !== "object" ? undefined : body as ErrorBody;
}

/**
 * Converts an error of the client into one of ours. The client's own is not kept as the cause: it
 * holds the whole request, with its headers.
 *
 * @param what the attempted call, for the message: `Cannot <what>`.
 */
export function storeError(error: unknown, what: string): PipelineError {
  if (error instanceof PipelineError) return error;
  if (error instanceof errors.ResponseError) {
    const status = error.statusCode ?? 0;
    const body = errorBody(error);
    const hint = HINTS[status] ?? "";
    const code = isMissing(error) ? "not_found" : codeOf(status, body);
    return failure(code, what, reasonOf(status, body) + hint);
  }
  const { name, message } = error instanceof Error ? error : { name: "Error", message: `${error}` };
  if (error instanceof errors.ProductNotSupportedError) {
    // It may also be a proxy's answer while the server is unavailable.
    const why = "the answer is not from Elasticsearch, or from a version that is too old";
    return failure("unavailable", what, why);
  }
  if (error instanceof errors.ConfigurationError || error instanceof errors.SerializationError) {
    return failure("invalid", what, message);
  }
  if (error instanceof errors.ElasticsearchClientError) {
    if (CERTIFICATE.test(message)) {
      // Certificates are renewed: a later one may be accepted.
      return failure("unavailable", what, `the node's certificate is refused: ${message}`);
    }
    // Deno's only message on a failed handshake; lost connections have the same one.
    const hint = message.includes("write UNKNOWN")
      ? " (is the node's certificate valid for this address, current, and signed by an authority in caFile?)"
      : "";
    return failure("unavailable", what, `${name}: ${message}${hint}`);
  }
  // Errors without a name, from sockets or the client's lower layers.
  return new PipelineError("unavailable", `Cannot ${what}: ${message}`, { cause: error });
}

/** Whether Elasticsearch itself reports a document or an alias as missing. */
function isMissing({ statusCode, body }: errors.ResponseError): boolean {
  if (statusCode !== 404 || body === null || typeof body !== "object") return false;
  const { found, error } = body as { readonly found?: unknown; readonly error?: unknown };
  return found === false ||
    (typeof error === "string" && /^alias(es)? \[.*\] missing$/.test(error));
}

const HINTS: Readonly<Record<number, string>> = {
  401: " (check username and passwordFile, or apiKeyFile)",
  403: " (the user lacks a privilege)",
  413: " (lower bulkBytes)",
};

function failure(code: ErrorCode, what: string, why: string): PipelineError {
  return new PipelineError(code, `Cannot ${what}: ${why}`);
}
