/**
 * What a NameNode or DataNode answers instead of a result, in the pipeline's terms.
 *
 * Form: `{"RemoteException": {"exception", "javaClassName", "message"}}`, see "Error Responses" in
 * Hadoop's documentation of WebHDFS.
 *
 * @module
 */

import { type ErrorCode, PipelineError } from "@pipeline/core";

/** Hadoop's exceptions by what they mean here; what is not named is `unavailable`. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ["FileNotFoundException", "not_found"],
  ["FileAlreadyExistsException", "exists"],
  // Somebody is writing it, or died while writing it: the name is taken either way.
  ["AlreadyBeingCreatedException", "exists"],
  ["RecoveryInProgressException", "exists"],
  ["NSQuotaExceededException", "full"],
  ["DSQuotaExceededException", "full"],
  ["QuotaExceededException", "full"],
  ["ParentNotDirectoryException", "invalid"],
  ["PathIsNotDirectoryException", "invalid"],
  ["InvalidPathException", "invalid"],
  ["IllegalArgumentException", "invalid"],
  ["AccessControlException", "invalid"],
  ["AuthenticationException", "invalid"],
  ["SecurityException", "invalid"],
]);

/** Exceptions of a NameNode that is not the active one. */
const STANDBY = new Set(["StandbyException", "ObserverRetryOnActiveException"]);

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
  const text = await response.text().catch(() => "");
  try {
    const { exception, message } = JSON.parse(text).RemoteException;
    return {
      status: response.status,
      exception: String(exception),
      message: String(message).split("\n")[0]!,
    };
  } catch {
    const message = `HTTP ${response.status} ${response.statusText}`.trim();
    return { status: response.status, exception: "", message };
  }
}

/** Whether the other NameNode must be asked. */
export function isStandby({ exception }: RemoteError): boolean {
  return STANDBY.has(exception);
}

/**
 * The error in the pipeline's terms.
 *
 * @param what was tried, for the message, e.g. `Writing /data/x`.
 */
export function toPipelineError(error: RemoteError, what: string): PipelineError {
  const { status, exception, message } = error;
  const known = CODES.get(exception);
  const code = known ?? (status === 401 ? "invalid" : "unavailable");
  const named = exception === "" ? message : `${exception}: ${message}`;
  return new PipelineError(code, `${what} failed: ${named}`);
}
