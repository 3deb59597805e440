/**
 * What a query of Prometheus names.
 *
 * @module
 */

import { parser } from "@prometheus-io/lezer-promql";

/** The names in a query. */
export interface PromqlNames {
  /** Each selector's metric, and the labels that it matches by. */
  readonly selectors: readonly { readonly metric: string; readonly labels: readonly string[] }[];
  /** All labels, those that are grouped by among them. */
  readonly labels: readonly string[];
}

/**
 * Reads a query without variables.
 *
 * @throws {SyntaxError} where it is none.
 */
export function promqlNames(query: string): PromqlNames {
  const selectors: { metric: string; labels: string[] }[] = [];
  const labels: string[] = [];
  parser.parse(query).iterate({
    enter({ name, type, from, to }) {
      const text = query.slice(from, to);
      if (type.isError) throw new SyntaxError(`PromQL cannot be read at ${from}: ${query}`);
      if (name === "VectorSelector") selectors.push({ metric: "", labels: [] });
      if (name === "Identifier") selectors.at(-1)!.metric = text;
      if (name !== "LabelName") return;
      labels.push(text);
      // Matchers stand within their selector, and groupings before or after all of it.
      if (/^\s*(=|!)/.test(query.slice(to))) selectors.at(-1)!.labels.push(text);
    },
  });
  return { selectors, labels };
}
