/**
 * The rules of Prometheus as the chart renders them.
 *
 * @module
 */

import { type Manifest, renderChart } from "@pipeline/tools/charts";
import { parse, stringify } from "yaml";

/** A rule: an alert, or what is recorded. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Rules of the chart, with values over its own. */
export async function rules(values: unknown = {}): Promise<Rule[]> {
  const { groups } = parse(await rulesText(values));
  return groups.flatMap(({ rules }: { readonly rules: Rule[] }) => rules);
}

/** The file of rules that Prometheus reads. */
export async function rulesText(values: unknown = {}): Promise<string> {
  const showOnly = ["charts/prometheus/templates/prometheus-rules-configmap.yaml"];
  const [configMap] = await renderChart({ values, showOnly });
  return configMap.data["rules.yaml"];
}

/** What the operator is given in its place. */
export async function operatorRules(values: unknown): Promise<string> {
  const manifests: Manifest[] = await renderChart({ values });
  return stringify(manifests.find(({ kind }) => kind === "PrometheusRule").spec);
}
