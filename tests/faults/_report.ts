/**
 * The table of outcomes, and its place in the documents.
 *
 * @module
 */

import { type TablePlace, updateTable, whereAndWhen } from "../support/document_table.ts";
import { nameOf, type Outcome } from "./_case.ts";
import { CASES } from "./_cases.ts";
import { recoveryText } from "./_run.ts";

/** Where the last outcomes stand. */
const PLACE: TablePlace = {
  document: new URL("../../docs/faults.md", import.meta.url),
  mark: "matrix",
  head: [
    "case",
    "what was done",
    "recovery",
    "acknowledged",
    "ledger",
    "verify",
    "ambiguous",
    "seen besides",
    "verdict",
    "on",
  ],
  order: CASES.map(nameOf),
};

/** An outcome as a row. */
export function rowOf(outcome: Outcome): string[] {
  return [
    outcome.name,
    outcome.done.join("; "),
    recoveryText(outcome),
    String(outcome.acknowledged),
    outcome.ledger,
    outcome.verify,
    outcome.ambiguous,
    outcome.notes.join("; ") || "-",
    outcome.failure === undefined ? "holds" : "FAILS",
    whereAndWhen(),
  ];
}

/** What the columns are called. */
export const HEAD: readonly string[] = PLACE.head;

/** Puts outcomes in the place of those of the same cases. */
export async function writeOutcomes(outcomes: readonly Outcome[]): Promise<void> {
  await updateTable(PLACE, new Map(outcomes.map((outcome) => [outcome.name, [rowOf(outcome)]])));
}
