/**
 * The one error base of the pipeline: a closed set of codes, whether a retry can help, and always
 * the cause.
 *
 * @module
 */

/** The kind of error, for callers that must distinguish errors. */
export type ErrorCode =
  /**
   * Bad configuration or input; the message names the subject, the value and the allowed values.
   */
  | "invalid"
  /** A dependency does not answer, or refuses for now. The effect of the call is unknown. */
  | "unavailable"
  /** The named object does not exist, and that is certain. */
  | "not_found"
  /** The named object exists already, and that is certain. */
  | "exists"
  /** Another writer was first: a version, a lock or an alias is not as expected. */
  | "conflict"
  /** Required offsets are no longer (or not yet) in the log. */
  | "offset_out_of_range"
  /** Bytes differ from those written: length, checksum or form. */
  | "corrupt"
  /** The log or dataset is not the one that earlier work was based on. */
  | "diverged"
  /** No space left, or a quota is exhausted. */
  | "full"
  /** A single record or request exceeds the limit. */
  | "too_large"
  /** The work was asked to stop. */
  | "stopped";

/** Codes after which the same call may succeed later. */
const RETRIABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unavailable", "full"]);

/** An error of the pipeline with a code from a closed set. */
export class PipelineError extends Error {
  /** Identifies this class in logs. */
  override name = "PipelineError";
  /** The kind of error. */
  readonly code: ErrorCode;

  /**
   * Makes an error.
   *
   * @param code what went wrong.
   * @param message sentence case, with the value shown.
   */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Whether the same call may succeed later. */
  get retriable(): boolean {
    return RETRIABLE.has(this.code);
  }
}

/** Whether `error` is a {@linkcode PipelineError} with the code. */
export function hasCode(error: unknown, code: ErrorCode): error is PipelineError {
  return error instanceof PipelineError && error.code === code;
}
