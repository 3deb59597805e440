/**
 * The metrics as docs/metrics.md fixes them, and as jobs say them.
 *
 * @module
 */

/** What is fixed of a metric. */
export interface Metric {
  readonly name: string;
  readonly type: string;
  /** Sorted. */
  readonly labels: readonly string[];
}

/** Sections of docs/metrics.md that are no job's: their metrics are everyone's. */
const COMMON = "Every job";

/** The metrics of each job by the sections of the page, with those of every job among them. */
export async function documented(): Promise<ReadonlyMap<string, readonly Metric[]>> {
  const text = await Deno.readTextFile(new URL("../../docs/metrics.md", import.meta.url));
  const sections = new Map<string, Metric[]>();
  for (const section of text.split("\n## ").slice(1)) {
    const title = section.slice(0, section.indexOf("\n"));
    const metrics = tables(section);
    if (metrics.length > 0) sections.set(title, metrics);
  }
  const common = sections.get(COMMON) ?? [];
  sections.delete(COMMON);
  return new Map([...sections].map(([job, own]) => [job, [...common, ...own].sort(byName)]));
}

/** The metrics in the tables of a page, or of a part of it. */
export function tables(text: string): Metric[] {
  const rows = text.matchAll(/^\| `([\w:]+)` +\| (\w+) +\| ([^|]*) +\|/gm);
  return [...rows].map(([, name, type, labels]) => ({
    name: name!,
    type: type!,
    labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!).sort(),
  }));
}

/** The metrics in a text of Prometheus' form, without those of the process. */
export function exposed(text: string): Metric[] {
  const labels = new Map<string, Set<string>>();
  const metrics = types(text);
  for (const { name } of metrics) labels.set(name, new Set());
  for (const [, sample, set = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const own = labels.get(sample!) ?? labels.get(sample!.replace(/_(bucket|sum|count)$/, ""));
    for (const [, label] of set.matchAll(/(\w+)="/g)) if (label !== "le") own?.add(label!);
  }
  return metrics.map((metric) => ({ ...metric, labels: [...labels.get(metric.name)!].sort() }))
    .sort(byName);
}

/** Names of metrics that have a type and no sample. */
export function silent(text: string): string[] {
  return types(text).map(({ name }) => name)
    .filter((name) => !new RegExp(`^${name}(_count)?[{ ]`, "m").test(text));
}

function types(text: string): { name: string; type: string }[] {
  return [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
    .map(([, name, type]) => ({ name: name!, type: type! }))
    .filter(({ name }) => !/^(process|nodejs)_/.test(name));
}

function byName(a: Metric, b: Metric): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
