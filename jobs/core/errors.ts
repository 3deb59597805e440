/**
 * The one error base of the pipeline: a closed set of codes, whether trying again
 * can help, and always the cause.
 *
 * @module
 */

/** What went wrong, for callers that must tell errors apart. */
export type ErrorCode =
  /** Bad configuration or input; the message names the thing, the value and what is allowed. */
  | "invalid"
  /** A dependency does not answer, or says that it cannot now. Nothing is known of the effect. */
  | "unavailable"
  /** The named thing does not exist, and that is certain. */
  | "not_found"
  /** The named thing exists already, and that is certain. */
  | "exists"
  /** Somebody else was first: a version, a lock or an alias is not what was expected. */
  | "conflict"
  /** Offsets that are needed are no longer (or not yet) in the log. */
  | "offset_out_of_range"
  /** Bytes are not what was written: length, checksum or form. */
  | "corrupt"
  /** The log or dataset is not the one that earlier work continued from. */
  | "diverged"
  /** No space, or a quota is used up. */
  | "full"
  /** A single record or request is larger than is allowed. */
  | "too_large"
  /** The work was told to stop. */
  | "stopped";

/** Codes after which the same call may succeed later. */
const RETRIABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unavailable", "full"]);

/** An error of the pipeline with a code from a closed set. */
export class PipelineError extends Error {
  /** Tells it from other errors in logs. */
  override name = "PipelineError";
  /** What went wrong. */
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
