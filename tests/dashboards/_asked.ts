/**
 * What Grafana makes of a panel's query when it asks a server.
 *
 * @module
 */

import { type Aggregation, VIEWS, type ViewTarget } from "@pipeline/tools/dashboards";

/**
 * A query with values in place of its variables, Grafana's own among them.
 *
 * @throws {TypeError} where one has no value.
 */
export function fillIn(query: string, values: Readonly<Record<string, string>>): string {
  const all: Readonly<Record<string, string>> = {
    __rate_interval: "1m",
    __range: "30m",
    ...values,
  };
  return query.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = all[name];
    if (value === undefined) throw new TypeError(`Variable $${name} has no value in ${query}`);
    return value;
  });
}

/** A range of time in milliseconds. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The body of the search that Grafana makes of a query of a view: as its datasource does, from the
 * range of time, the query and the aggregations.
 */
export function searchBody(target: ViewTarget, { from, to }: TimeRange): Record<string, unknown> {
  const field = VIEWS[target.view].timeField;
  const format = "epoch_millis";
  const query = {
    bool: {
      filter: [
        { range: { [field]: { gte: from, lte: to, format } } },
        { query_string: { analyze_wildcard: true, query: target.query } },
      ],
    },
  };
  const [first] = target.metrics;
  if (first?.type === "raw_data") {
    return {
      size: Number(first.settings?.size),
      query,
      sort: [{ [field]: { order: "desc", unmapped_type: "boolean" } }, { _doc: { order: "desc" } }],
      docvalue_fields: [field],
    };
  }
  const metrics = Object.fromEntries(
    target.metrics.map(({ id, type, field }) => [id, { [type]: { field } }]),
  );
  const aggs = target.buckets.reduceRight<Record<string, unknown>>(
    (inner, bucket) => ({ [bucket.id]: { ...bucketBody(bucket, { from, to }), aggs: inner } }),
    metrics,
  );
  return { size: 0, query, aggs };
}

function bucketBody(
  { type, field, settings = {} }: Aggregation,
  { from, to }: TimeRange,
): Record<string, unknown> {
  switch (type) {
    case "terms": {
      const { size, order, orderBy, min_doc_count } = settings;
      return {
        terms: {
          field,
          size: Number(size),
          min_doc_count: Number(min_doc_count),
          order: { [String(orderBy)]: order },
        },
      };
    }
    case "date_histogram":
      return {
        date_histogram: {
          field,
          fixed_interval: settings.interval,
          min_doc_count: Number(settings.min_doc_count),
          extended_bounds: { min: from, max: to },
          format: "epoch_millis",
        },
      };
    default:
      throw new TypeError(`Aggregation is of type ${type}: there is no such bucket`);
  }
}
