/**
 * Queries of Prometheus. Every one goes through {@linkcode series}, which restricts it to one release.
 *
 * @module
 */

/** What every series is restricted to: the dashboards' variables. */
export const SELECTION = 'namespace="$namespace",release="$release"';

/** The series of a metric in the release; `matchers` as PromQL has them, between the braces. */
export function series(metric: string, matchers = ""): string {
  return `${metric}{${SELECTION}${matchers === "" ? "" : `,${matchers}`}}`;
}

/** How fast a counter grows, a second. */
export function rate(metric: string, matchers = ""): string {
  return `rate(${series(metric, matchers)}[$__rate_interval])`;
}

/** The sum of a counter's rates; in all, or by labels. */
export function sumRate(metric: string, by = "", matchers = ""): string {
  return `sum${grouping(by)}(${rate(metric, matchers)})`;
}

/** The greatest value, for what several replicas say alike; in all, or by labels. */
export function max(metric: string, by = "", matchers = ""): string {
  return `max${grouping(by)}(${series(metric, matchers)})`;
}

/** The sum of values; in all, or by labels. */
export function sum(metric: string, by = "", matchers = ""): string {
  return `sum${grouping(by)}(${series(metric, matchers)})`;
}

/** Seconds since the latest of the times that a gauge says. */
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
