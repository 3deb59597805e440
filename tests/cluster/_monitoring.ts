/**
 * What people see of a release: the targets, queries and alerts of its Prometheus, and what the dashboards ask.
 *
 * @module
 */

import { panelQueries, type ViewTarget } from "@pipeline/tools/dashboards";
import { fillIn, searchBody } from "../dashboards/_asked.ts";
import type { Resource } from "./_kube.ts";

/** A target of Prometheus. */
export interface ScrapeTarget {
  readonly labels: Readonly<Record<string, string>>;
  /** `up`, `down` or `unknown`. */
  readonly health: string;
  readonly lastError: string;
}

/** An alert that holds. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** `pending` or `firing`. */
  readonly state: string;
}

/** The Prometheus at a URL. */
export class Prometheus {
  /** @param url without a slash at its end. */
  constructor(readonly url: string) {}

  /** What it scrapes. */
  async targets(): Promise<ScrapeTarget[]> {
    return (await this.#ask("targets?state=active")).activeTargets;
  }

  /** Series that a query finds now. */
  async instant(query: string): Promise<Resource[]> {
    return (await this.#ask(`query?${new URLSearchParams({ query })}`)).result;
  }

  /** Series that a query finds in the last half hour. */
  async range(query: string): Promise<Resource[]> {
    const end = Date.now() / 1_000;
    const range = { query, start: String(end - 1_800), end: String(end), step: "5" };
    return (await this.#ask(`query_range?${new URLSearchParams(range)}`)).result;
  }

  /** Alerts that fire now, by name, and job where they are of one. */
  async firing(): Promise<ReadonlyMap<string, Alert>> {
    const alerts: Alert[] = (await this.#ask("alerts")).alerts;
    const firing = alerts.filter(({ state }) => state === "firing");
    return new Map(
      firing.map((alert) => {
        const { alertname, job } = alert.labels;
        return [job === undefined ? alertname! : `${alertname} ${job}`, alert];
      }),
    );
  }

  async #ask(path: string): Promise<Resource> {
    const signal = AbortSignal.timeout(20_000);
    const response = await fetch(`${this.url}/api/v1/${path}`, { signal });
    const { status, error, data } = await response.json();
    if (status !== "success") throw new Error(`Prometheus: ${path}: ${error}`);
    return data;
  }
}

/** Where a release is seen. */
export interface Views {
  readonly prometheus: Prometheus;
  /** URL of Elasticsearch. */
  readonly elasticsearch: string;
  readonly namespace: string;
  readonly release: string;
}

/** What a panel asks that finds nothing in what it looks back at, each as `dashboard: title: query`. */
export async function emptyPanels(views: Views): Promise<string[]> {
  const empty: string[] = [];
  for (const { dashboard, panel, target, timeFrom } of panelQueries()) {
    const values = { namespace: views.namespace, release: views.release, min_score: "0" };
    const query = "expr" in target ? target.expr : target.query;
    const filled = fillIn(query, values);
    const found = "expr" in target
      ? await views.prometheus.range(filled)
      : await searchView(views, { ...target, query: filled }, timeFrom);
    if (found.length === 0) empty.push(`${dashboard}: ${panel}: ${query}`);
  }
  return empty;
}

/** Documents, or buckets with some, that a query of a view finds in what its panel looks back at. */
async function searchView(
  { elasticsearch }: Views,
  target: ViewTarget,
  timeFrom = "30m",
): Promise<Resource[]> {
  const [, count, unit] = /^(\d+)([mh])$/.exec(timeFrom)!;
  const now = Date.now();
  const from = now - Number(count) * (unit === "h" ? 3_600_000 : 60_000);
  const response = await fetch(`${elasticsearch}/views_${target.view}_v1/_search`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(searchBody(target, { from, to: now })),
    signal: AbortSignal.timeout(20_000),
  });
  const { hits, aggregations, error } = await response.json();
  if (error !== undefined) {
    throw new Error(`Elasticsearch: ${target.query}: ${JSON.stringify(error)}`);
  }
  if (aggregations === undefined) return hits.hits;
  return aggregations[target.buckets[0]!.id].buckets
    .filter(({ doc_count }: Resource) => doc_count > 0);
}
