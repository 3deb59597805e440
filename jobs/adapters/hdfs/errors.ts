/**
 * Converts the errors of a NameNode or DataNode into the pipeline's: everything that is not known
 * to be permanent is `unavailable`, and so retried.
 *
 * Form: `{"RemoteException": {"exception", "javaClassName", "message"}}`, see "Error Responses" in
 * Hadoop's documentation of WebHDFS. Its status means nothing: any `IOException` is a 403.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";

/** Hadoop's exceptions with one permanent meaning. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ["FileNotFoundException", "not_found"],
  ["FileAlreadyExistsException", "exists"],
  // A writer is active, or died while writing: the name is taken either way.
  ["AlreadyBeingCreatedException", "exists"],
  ["RecoveryInProgressException", "exists"],
  ["NSQuotaExceededException", "full"],
  ["DSQuotaExceededException", "full"],
  ["QuotaByStorageTypeExceededException", "full"],
  ["QuotaExceededException", "full"],
  ["MaxDirectoryItemsExceededException", "full"],
  ["PathComponentTooLongException", "invalid"],
  ["ParentNotDirectoryException", "invalid"],
  ["PathIsNotDirectoryException", "invalid"],
  ["InvalidPathException", "invalid"],
  ["UnsupportedOperationException", "invalid"],
  ["AccessControlException", "invalid"],
  ["AuthorizationException", "invalid"],
  ["AuthenticationException", "invalid"],
]);

/**
 * Exceptions whose meaning is only in their message, since Hadoop wraps others in them: an
 * `IllegalArgumentException` may be a host whose name could not be resolved.
 */
const WRAPPERS = new Set([
  "IllegalArgumentException",
  "SecurityException",
  "RuntimeException",
  "IOException",
  "RemoteException",
  "ExecutionException",
  "UndeclaredThrowableException",
]);

/** Messages of wrappers that no retry changes. */
const REFUSED =
  /^Invalid value for webhdfs parameter|not a valid DFS filename|^Invalid path|Security enabled but user not authenticated/;

/** Transient exceptions; they are decisive both as wrapper and as cause. */
const PASSING =
  /\b(Unknown|NoRouteTo)Host|\bConnect|\bSocket|Timeout|ClosedChannel|EOFException|\bRetriable|\bSafeMode|\bStandby|InvalidToken|Interrupted/;

/** `org.example.SomeException: a message`, an exception quoted in the message of another. */
const NAMED = /((?:[a-z]\w*\.)+)([A-Z][\w$]*(?:Exception|Error))(?:: *|$)/;

/** Exceptions of a NameNode that is not active, or messages that quote one. */
const STANDBY = /\b(StandbyException|ObserverRetryOnActiveException)\b/;

/** The error in an answer. */
export interface RemoteError {
  /** HTTP status. */
  readonly status: number;
  /** Hadoop's name without its package; empty if the answer is not such JSON. */
  readonly exception: string;
  /** The first line. */
  readonly message: string;
}

/** Reads the error in an answer, and consumes its body. */
export async function readRemoteError(response: Response): Promise<RemoteError> {
  const { status, statusText, headers } = response;
  const text = await response.text().catch(() => "");
  try {
    const { exception, javaClassName, message } = JSON.parse(text).RemoteException;
    const name = exception ?? javaClassName;
    if (typeof name !== "string") throw new TypeError("No exception is named");
    return { status, exception: simple(name), message: String(message ?? "").split("\n")[0]! };
  } catch {
    // An HTML page: from a proxy, or from Hadoop's own filter if it requires Kerberos.
    const kerberos = status === 401 && /negotiate/i.test(headers.get("www-authenticate") ?? "");
    const message = `HTTP ${status} ${statusText}`.trim();
    return { status, exception: kerberos ? "AuthenticationException" : "", message };
  }
}

/** Whether to ask the other NameNode. */
export function isStandby({ exception, message }: RemoteError): boolean {
  return STANDBY.test(exception) || STANDBY.test(message);
}

/**
 * The error in the pipeline's terms.
 *
 * @param what the attempted operation, for the message, e.g. `Writing /data/x`.
 */
export function toPipelineError(error: RemoteError, what: string): PipelineError {
  const { exception, message } = error;
  const named = exception === "" ? message : `${exception}: ${message}`;
  return new PipelineError(codeOf(error), `${what} failed: ${named}`);
}

function codeOf({ exception, message }: Pick<RemoteError, "exception" | "message">): ErrorCode {
  const named = NAMED.exec(message);
  if (PASSING.test(exception) || PASSING.test(named?.[2] ?? "")) return "unavailable";
  if (!WRAPPERS.has(exception)) return CODES.get(exception) ?? "unavailable";
  if (REFUSED.test(message)) return "invalid";
  if (named === null) return "unavailable";
  const inner = message.slice(named.index + named[0].length);
  return codeOf({ exception: simple(named[2]!), message: inner });
}

/** A class's name without its package and its enclosing class. */
function simple(name: string): string {
  return name.slice(Math.max(name.lastIndexOf("."), name.lastIndexOf("$")) + 1);
}
