/**
 * The reasons for refusing a request. The API turns them into problem details (RFC 9457).
 *
 * @module
 */

import type { Provenance } from "./reading/provenance.ts";

/** Status codes of refusals. */
export type ProblemStatus = 400 | 404 | 405 | 413 | 500 | 503;

/** A request that cannot be answered, for a reason that its sender may see. */
export class Problem extends Error {
  override name = "Problem";
  /** HTTP status. */
  readonly status: ProblemStatus;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter: number | undefined;
  /** The provenance of the reason, if it was read from the views. */
  readonly provenance: Provenance | undefined;

  /**
   * Creates a reason for a refusal.
   *
   * @param detail one sentence: the name, its value, the allowed values.
   */
  constructor(
    status: ProblemStatus,
    detail: string,
    options: ErrorOptions & { readonly retryAfter?: number; readonly provenance?: Provenance } = {},
  ) {
    super(detail, options);
    this.status = status;
    this.retryAfter = options.retryAfter;
    this.provenance = options.provenance;
  }
}
