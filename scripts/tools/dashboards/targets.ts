/**
 * Queries of panels: to Prometheus, or to the views in Elasticsearch.
 *
 * @module
 */

import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import * as elasticsearch from "@grafana/grafana-foundation-sdk/elasticsearch";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";

/** The views, by name. Each is a datasource, which queries the alias of the served index. */
export const VIEWS = {
  top_posts: { uid: "views-top-posts", timeField: "created_utc" },
  subreddit_activity: { uid: "views-subreddit-activity", timeField: "window_start" },
  user_activity: { uid: "views-user-activity", timeField: "window_start" },
} as const;

/** See {@linkcode VIEWS}. */
export type View = keyof typeof VIEWS;

/** Uid of Prometheus' datasource. */
export const PROMETHEUS = "prometheus";

/** A query of Prometheus and the names of its series: `{{label}}` stands for a label's value. */
export interface PromTarget {
  readonly expr: string;
  readonly legend: string;
}

/**
 * An aggregation of a view's documents, in Grafana's form: `field`, and `settings` with texts as
 * values.
 */
export interface Aggregation {
  readonly id: string;
  readonly type: string;
  readonly field?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A query of a view. */
export interface ViewTarget {
  readonly view: View;
  /** Filter of the documents, in Lucene's syntax. */
  readonly query: string;
  /** The groups, outermost first; none to query the documents themselves. */
  readonly buckets: readonly Aggregation[];
  /** The aggregations of each group. */
  readonly metrics: readonly Aggregation[];
}

/** A query. */
export type Target = PromTarget | ViewTarget;

/** A query of Prometheus. */
export function prom(expr: string, legend = ""): PromTarget {
  return { expr, legend };
}

/**
 * Sums of fields. A document belongs to one partition, so only sums over all of them are complete.
 */
export function sums(...fields: readonly string[]): Aggregation[] {
  return fields.map((field, i) => ({ id: `${i + 1}`, type: "sum", field }));
}

/** The first groups of a field, ordered by a metric. */
export function terms(field: string, options: { size: number; orderBy: string }): Aggregation {
  const { size, orderBy } = options;
  const settings = { size: `${size}`, order: "desc", orderBy, min_doc_count: "1" };
  return { id: "10", type: "terms", field, settings };
}

/** Documents by minute. */
export function minutes(field: string): Aggregation {
  const settings = { interval: "1m", min_doc_count: "0", trimEdges: "1" };
  return { id: "10", type: "date_histogram", field, settings };
}

/** The newest documents. */
export function documents(size: number): Aggregation {
  return { id: "1", type: "raw_data", settings: { size: `${size}` } };
}

/** The form of the answer for a panel: a series over time, its last value, or a table. */
export type Form = "series" | "last" | "table";

/** Uid and type of a target's datasource. */
export function datasourceOf(target: Target): { readonly type: string; readonly uid: string } {
  return "expr" in target
    ? { type: "prometheus", uid: PROMETHEUS }
    : { type: "elasticsearch", uid: VIEWS[target.view].uid };
}

/** The query in Grafana's form. */
export function toQuery(target: Target, refId: string, form: Form): cog.Builder<cog.Dataquery> {
  const datasource = datasourceOf(target);
  if ("expr" in target) {
    const query = new prometheus.DataqueryBuilder().refId(refId).datasource(datasource)
      .expr(target.expr);
    if (target.legend !== "") query.legendFormat(target.legend);
    if (form === "series") query.range();
    else query.instant();
    if (form === "table") query.format(prometheus.PromQueryFormat.Table);
    return query;
  }
  const built = <T>(aggregations: readonly Aggregation[]) =>
    aggregations.map((aggregation) => ({ build: () => aggregation as T }));
  return new elasticsearch.DataqueryBuilder().refId(refId).datasource(datasource)
    .query(target.query).timeField(VIEWS[target.view].timeField).alias("{{field}}")
    .bucketAggs(built<elasticsearch.BucketAggregation>(target.buckets))
    .metrics(built<elasticsearch.MetricAggregation>(target.metrics));
}
