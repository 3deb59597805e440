/**
 * The status line of a run.
 *
 * @module
 */

import { count } from "./history.ts";

/** Content of the line. */
export interface Standing {
  /** Whether records are produced at all. */
  readonly produces: boolean;
  /** Records that were acknowledged. */
  readonly produced: number;
  /** Records a second. */
  readonly rate: number;
  /** Records that are due and not produced. */
  readonly behind: number;
  /** Records in the log beyond the dataset, and beyond the served views. */
  readonly lag: { readonly ingest: number; readonly speed: number };
  /** Milliseconds until records were visible, as speed measured it lately, if there were any. */
  readonly latency: { readonly p50: number; readonly p99: number } | undefined;
  /** Whether a generation is being built. */
  readonly building: boolean;
}

/** Least number of records behind schedule to report: fewer are due to timers. */
const BEHIND = 100;

/** Formats the status line. */
export function statusLine({ produces, produced, rate, behind, ...rest }: Standing): string {
  if (!produces) return "Serving; nothing is produced (RATE=0)";
  const { lag, latency, building } = rest;
  const late = behind >= BEHIND ? `, ${count(behind)} behind` : "";
  return [
    `${count(produced)} produced (${rate.toFixed(0)}/s${late})`,
    `ingest lag ${count(lag.ingest)}`,
    `fold lag ${count(lag.speed)}`,
    ...latency === undefined ? [] : [`visible p50 ${latency.p50} p99 ${latency.p99} ms`],
    ...building ? ["batch runs"] : [],
  ].join(" · ");
}
