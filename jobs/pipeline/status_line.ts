/**
 * The one line that says where a run stands.
 *
 * @module
 */

import { count } from "./load_history.ts";

/** What the line is made of. */
export interface Standing {
  /** Whether anything is to be produced at all. */
  readonly produces: boolean;
  /** Records that were acknowledged. */
  readonly produced: number;
  /** Records a second. */
  readonly rate: number;
  /** Records that are due and not produced. */
  readonly behind: number;
  /** Records that are not in the dataset, and that the served views have not folded. */
  readonly lag: { readonly ingest: number; readonly speed: number };
  /** Milliseconds until records were visible, where there were any. */
  readonly latency: { readonly p50: number; readonly p99: number } | undefined;
  /** Whether a generation is being built. */
  readonly building: boolean;
}

/** Records behind schedule that are worth a word: fewer are the timers' own. */
const BEHIND = 100;

/** The line. */
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
