/**
 * What the server's answers and the client's errors mean.
 *
 * @module
 */

import { errors } from "@elastic/elasticsearch";
import { type ErrorCode, PipelineError } from "@pipeline/core";

/** The error of an answer or of an item, as far as it is looked at. */
export interface ErrorBody {
  /** Such as `version_conflict_engine_exception`. */
  readonly type?: string;
  /** A sentence of the server. */
  readonly reason?: string | null;
  /** The index that the error is about. */
  readonly index?: string;
}

/** A certificate that was refused, in the words of OpenSSL, Node and Rustls. */
const CERTIFICATE =
  /certificate|CERT_|self[- _]signed|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ALTNAME|UnknownIssuer|NotValidForName/i;

/**
 * What an answer with a status of 400 or more means.
 *
 * A block on an index is waited out like a full disk, which is what sets it: `full`.
 */
export function codeOf(status: number, { type = "", reason }: ErrorBody = {}): ErrorCode {
  if (type === "cluster_block_exception") {
    return /read-only|read_only|flood|index write/i.test(reason ?? "") ? "full" : "unavailable";
  }
  if (type === "index_not_found_exception") return "not_found";
  if (type === "resource_already_exists_exception") return "exists";
  if (status === 408 || status === 429 || status >= 500) return "unavailable";
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  if (status === 413) return "too_large";
  return "invalid";
}

/** What the server says of an error, in one line. */
export function reasonOf(status: number, body: ErrorBody | undefined): string {
  const said = [body?.type, body?.reason].filter((part) => part).join(": ");
  return said === "" ? `status ${status}` : `status ${status}, ${said}`;
}

/** The error of an answer, where it is one. */
export function errorBody(error: unknown): ErrorBody | undefined {
  if (!(error instanceof errors.ResponseError)) return undefined;
  const body: unknown = error.body?.error;
  if (typeof body === "string") return { reason: body };
  return body === null || typeof body !== "object" ? undefined : body as ErrorBody;
}

/**
 * An error of the client as one of ours. The client's own is not kept as the cause: it carries
 * the whole request, with its headers.
 *
 * @param what what was tried, for the message: `Cannot <what>`.
 */
export function storeError(error: unknown, what: string): PipelineError {
  if (error instanceof PipelineError) return error;
  if (error instanceof errors.ResponseError) {
    const status = error.statusCode ?? 0;
    const body = errorBody(error);
    const hint = HINTS[status] ?? "";
    return failure(codeOf(status, body), what, reasonOf(status, body) + hint);
  }
  const { name, message } = error instanceof Error ? error : { name: "Error", message: `${error}` };
  if (error instanceof errors.ProductNotSupportedError) {
    return failure("invalid", what, "the server is not Elasticsearch, or one that is too old");
  }
  if (error instanceof errors.ConfigurationError || error instanceof errors.SerializationError) {
    return failure("invalid", what, message);
  }
  if (error instanceof errors.ElasticsearchClientError) {
    if (CERTIFICATE.test(message)) {
      return failure("invalid", what, `the node's certificate is refused: ${message}`);
    }
    // All that Deno's sockets say of a handshake that failed; they say it of lost connections too.
    const hint = message.includes("write UNKNOWN")
      ? " (is the node's certificate for this address, in time, and of an authority in caFile?)"
      : "";
    return failure("unavailable", what, `${name}: ${message}${hint}`);
  }
  return new PipelineError("invalid", `Cannot ${what}: ${message}`, { cause: error });
}

const HINTS: Readonly<Record<number, string>> = {
  401: " (check username and passwordFile, or apiKeyFile)",
  403: " (the user lacks a privilege)",
  413: " (lower bulkBytes)",
};

function failure(code: ErrorCode, what: string, why: string): PipelineError {
  return new PipelineError(code, `Cannot ${what}: ${why}`);
}
