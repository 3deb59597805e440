/**
 * The closing summary of a run.
 *
 * @module
 */

import type { VerifyReport } from "@pipeline/batch";
import { canonicalJson, type ViewName, VIEWS } from "@pipeline/core";
import type { LatencyHistogram } from "./visibility.ts";
import { count } from "./history.ts";

/** The figures of a run. */
export interface RunFigures {
  /** Records that were acknowledged. */
  readonly produced: number;
  /** Records that were due and not produced. */
  readonly behind: number;
  /** Records of the log that are in the dataset or are dead letters. */
  readonly ingested: number;
  /** Records of the log in the served views. */
  readonly folded: number;
  /** Number of documents that speed wrote per record that it folded, by view. */
  readonly writes: Readonly<Record<ViewName, number>>;
  /** Records in historical loads. */
  readonly history: number;
  /** From due time to visibility in the API. */
  readonly latency: LatencyHistogram;
  /** Seconds of live records. */
  readonly seconds: number;
}

/** The closing table. */
export function runTable(figures: RunFigures, verified: VerifyReport): string[] {
  const { latency } = figures;
  const visible = latency.total === 0
    ? "no live records"
    : `p50 ${latency.quantile(0.5)} ms · p99 ${latency.quantile(0.99)} ms · max ${latency.max} ms` +
      ` (${count(latency.total)} records)`;
  return table([
    ["history", `${count(figures.history)} records`],
    [
      "produced",
      `${count(figures.produced)} records in ${figures.seconds.toFixed(0)} s` +
      (figures.ingested > figures.produced
        ? ` (${count(figures.ingested)} with the runs before)`
        : "") +
      // Records due in the last milliseconds are not delayed.
      (figures.behind * 100 > figures.produced ? `, ${count(figures.behind)} behind schedule` : ""),
    ],
    ["ingested", `${count(figures.ingested)} records of the log are in the dataset`],
    ["folded", `${count(figures.folded)} records of the log are in the served views`],
    ["written by speed", writesText(figures.writes)],
    ["generation", String(verified.generation)],
    ["produce → visible in the API", visible],
    ["verify", verdict(verified)],
  ]);
}

function writesText(writes: RunFigures["writes"]): string {
  const parts = VIEWS.map((view) => `${writes[view].toFixed(2)} ${view.replaceAll("_", " ")}`);
  return `${parts.join(" · ")} (documents a record)`;
}

/** The result of a verification in one line. */
export function verdict(report: VerifyReport): string {
  if (!report.exact) return `${count(report.differences)} differences`;
  const { merged, ledger } = report;
  const notes = [
    `${count(report.batch_documents)} batch and ${count(report.speed_documents)} speed documents`,
    ...merged === undefined ? [] : [`${count(merged.keys)} merged keys`],
    ...ledger === undefined ? [] : [`${count(ledger.acknowledged)} acknowledged records once each`],
    ...(merged?.straddling ?? 0) === 0
      ? []
      : [`${merged!.straddling} announced on both sides of the horizon`],
    ...(merged?.unresolved ?? 0) === 0
      ? []
      : [`${merged!.unresolved} comments wait for their subreddit`],
  ];
  return `exact (${notes.join(", ")})`;
}

/** Differences, one per line. */
export function differenceLines(report: VerifyReport): string[] {
  const lines = report.first.map(({ check, what, expected, found }) =>
    `${check}: ${what}\n    expected ${shown(expected)}\n    found    ${shown(found)}`
  );
  const more = report.differences - report.first.length;
  return more > 0 ? [...lines, `... and ${count(more)} more`] : lines;
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? value : canonicalJson(value).slice(0, 400);
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}   ${value}`);
}
