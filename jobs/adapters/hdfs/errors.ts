/**
 * What a NameNode or DataNode answers instead of a result, in the pipeline's terms: what is not
 * known to be permanent is `unavailable`, and so tried again.
 *
 * Form: `{"RemoteException": {"exception", "javaClassName", "message"}}`, see "Error Responses" in
 * Hadoop's documentation of WebHDFS. Its status says nothing: any `IOException` is a 403.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";

/** Hadoop's exceptions that mean one thing for good. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ["FileNotFoundException", "not_found"],
  ["FileAlreadyExistsException", "exists"],
  // Somebody is writing it, or died while writing it: the name is taken either way.
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
 * Exceptions that say what is wrong in their message only, since Hadoop wraps others in them: an
 * `IllegalArgumentException` may be a host whose name was not found.
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

/** What wrappers say that no later try changes. */
const REFUSED =
  /^Invalid value for webhdfs parameter|not a valid DFS filename|^Invalid path|Security enabled but user not authenticated/;

/** Of exceptions that pass, whatever is wrapped around them or around which they are. */
const PASSING =
  /\b(Unknown|NoRouteTo)Host|\bConnect|\bSocket|Timeout|ClosedChannel|EOFException|\bRetriable|\bSafeMode|\bStandby|InvalidToken|Interrupted/;

/** `org.example.SomeException: a message`, as one exception is told in the message of another. */
const NAMED = /((?:[a-z]\w*\.)+)([A-Z][\w$]*(?:Exception|Error))(?:: *|$)/;

/** Exceptions of a NameNode that is not the active one, also as the message of another one. */
const STANDBY = /\b(StandbyException|ObserverRetryOnActiveException)\b/;

/** What an answer says about why there is no result. */
export interface RemoteError {
  /** HTTP status. */
  readonly status: number;
  /** Hadoop's name without its package; empty where the answer is no such JSON. */
  readonly exception: string;
  /** The first line. */
  readonly message: string;
}

/** Reads an answer that is no result; its body is used up. */
export async function readRemoteError(response: Response): Promise<RemoteError> {
  const { status, statusText, headers } = response;
  const text = await response.text().catch(() => "");
  try {
    const { exception, javaClassName, message } = JSON.parse(text).RemoteException;
    const name = exception ?? javaClassName;
    if (typeof name !== "string") throw new TypeError("No exception is named");
    return { status, exception: simple(name), message: String(message ?? "").split("\n")[0]! };
  } catch {
    // A page: of a proxy on the way, or of Hadoop's own filter where it wants Kerberos.
    const kerberos = status === 401 && /negotiate/i.test(headers.get("www-authenticate") ?? "");
    const message = `HTTP ${status} ${statusText}`.trim();
    return { status, exception: kerberos ? "AuthenticationException" : "", message };
  }
}

/** Whether the other NameNode must be asked. */
export function isStandby({ exception, message }: RemoteError): boolean {
  return STANDBY.test(exception) || STANDBY.test(message);
}

/**
 * The error in the pipeline's terms.
 *
 * @param what was tried, for the message, e.g. `Writing /data/x`.
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

/** A class's name without its package and the class around it. */
function simple(name: string): string {
  return name.slice(Math.max(name.lastIndexOf("."), name.lastIndexOf("$")) + 1);
}
