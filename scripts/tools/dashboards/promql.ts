/**
 * Queries of Prometheus. All of them use {@linkcode series}, which restricts them to one release.
 *
 * @module
 */

/** The filter of every series: the dashboards' variables. */
export const SELECTION = 'namespace="$namespace",release="$release"';

/** The series of a metric in the release; `matchers` in PromQL, as between the braces. */
export function series(metric: string, matchers = ""): string {
  return `${metric}{${SELECTION}${matchers === "" ? "" : `,${matchers}`}}`;
}

/** Rate of a counter per second. */
export function rate(metric: string, matchers = ""): string {
  return `rate(${series(metric, matchers)}[$__rate_interval])`;
}

/** The sum of a counter's rates; in all, or by labels. */
export function sumRate(metric: string, by = "", matchers = ""): string {
  return `sum${grouping(by)}(${rate(metric, matchers)})`;
}

/** The greatest value, for metrics that several replicas report alike; in all, or by labels. */
export function max(metric: string, by = "", matchers = ""): string {
  return `max${grouping(by)}(${series(metric, matchers)})`;
}

/** The sum of values; in all, or by labels. */
export function sum(metric: string, by = "", matchers = ""): string {
  return `sum${grouping(by)}(${series(metric, matchers)})`;
}

/** Seconds since the latest of the times in a gauge. */
export function age(metric: string, by = "", matchers = ""): string {
  return `time() - ${max(metric, by, matchers)}`;
}

/** A quantile of a histogram; `metric` without `_bucket`. */
export function quantile(q: number, metric: string, by = "", matchers = ""): string {
  const labels = by === "" ? "le" : `le, ${by}`;
  return `histogram_quantile(${q}, ${sumRate(`${metric}_bucket`, labels, matchers)})`;
}

function grouping(by: string): string {
  return by === "" ? "" : ` by (${by}) `;
}
