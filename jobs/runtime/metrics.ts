/**
 * Metrics in the Prometheus format. The only module that uses the client library: one explicit
 * registry per job, typed instruments, bounded label values.
 *
 * @module
 */

import perfHooks from "node:perf_hooks";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * A metric's labels: by name the allowed values, or the number of distinct values before further
 * ones count as `other`.
 */
export type Labels = Readonly<Record<string, readonly string[] | number>>;

/** Values for the labels of a metric. */
export type LabelValues<L extends Labels> = {
  readonly [K in keyof L]: L[K] extends readonly string[] ? L[K][number] : string;
};

/** The argument with the labels; none for a metric without labels. */
export type LabelArguments<L extends Labels> = keyof L extends never ? []
  : [labels: LabelValues<L>];

/** A value that only grows. */
export interface CounterMetric<L extends Labels> {
  /** Adds `amount`, which must not be negative. */
  add(amount: number, ...labels: LabelArguments<L>): void;
  /** The current value. */
  value(...labels: LabelArguments<L>): number;
}

/** A value that goes up and down. */
export interface GaugeMetric<L extends Labels> {
  /** Replaces the value. */
  set(value: number, ...labels: LabelArguments<L>): void;
  /** Removes all values and label sets, of gauges that are rebuilt as a whole or whose value is unknown for now. */
  clear(): void;
}

/** Counts observations in buckets. */
export interface HistogramMetric<L extends Labels> {
  /** Counts one observation, in the unit that the name ends in. */
  observe(value: number, ...labels: LabelArguments<L>): void;
}

/** Options of every metric. */
export interface MetricOptions<L extends Labels> {
  /** What the metric counts, in one sentence. */
  readonly help: string;
  /** None by default. */
  readonly labels?: L;
}

/** Replaces label values beyond the bound. */
export const OTHER = "other";

/** Upper bounds of latency buckets in seconds: 1 ms to 60 s. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.2,
  0.3,
  0.5,
  0.75,
  1,
  2.5,
  5,
  10,
  30,
  60,
];

/** The metrics of one job. Dispose of them if the process outlives the job. */
export class Metrics implements Disposable {
  readonly #registry = new Registry();
  readonly #monitors: perfHooks.IntervalHistogram[] = [];

  /** MIME type of {@linkcode render}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /**
   * What a counter or gauge says now, summed over the values of its other labels.
   *
   * @returns nothing where it says nothing with these labels, or is not there.
   */
  async read(
    name: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<number | undefined> {
    const { values = [] } = await this.#registry.getSingleMetric(name)?.get() ?? {};
    const found = values.filter((value) =>
      Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted)
    );
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  /** Adds CPU, memory, open files and event loop lag of the process. */
  collectProcess(): void {
    // The client library keeps its event loop monitor private, and never stops it.
    const { monitorEventLoopDelay } = perfHooks;
    perfHooks.monitorEventLoopDelay = (options) => {
      const monitor = monitorEventLoopDelay(options);
      this.#monitors.push(monitor);
      return monitor;
    };
    try {
      collectDefaultMetrics({ register: this.#registry });
    } finally {
      perfHooks.monitorEventLoopDelay = monitorEventLoopDelay;
    }
  }

  /**
   * Stops measuring the event loop. Deno 2.6 measures it in a thread of its own, which writes into freed memory
   * when an event loop, such as a worker's or a test module's, ends before its monitor.
   */
  [Symbol.dispose](): void {
    for (const monitor of this.#monitors) monitor.disable();
  }

  /** A counter; its name ends in `_total`. */
  counter<const L extends Labels = Record<never, never>>(
    name: string,
    options: MetricOptions<L>,
  ): CounterMetric<L> {
    const bound = bounded(options.labels);
    const metric = new Counter({ ...this.#common(name, options), labelNames: bound.names });
    const sums = new Map<string, number>();
    // Known events start at 0 before they occur: rates need a first value.
    for (const values of bound.combinations()) metric.inc(values, 0);
    return {
      add: (amount, ...labels) => {
        const values = bound.values(labels[0]);
        const key = keyOf(values);
        sums.set(key, (sums.get(key) ?? 0) + amount);
        metric.inc(values, amount);
      },
      value: (...labels) => sums.get(keyOf(bound.values(labels[0]))) ?? 0,
    };
  }

  /** A counter that is kept elsewhere; `collect` reads it on every scrape. */
  total<const L extends Labels = Record<never, never>>(
    name: string,
    options: MetricOptions<L> & {
      readonly collect: (set: (total: number, ...labels: LabelArguments<L>) => void) => void;
    },
  ): void {
    const bound = bounded(options.labels);
    const metric = new Counter({
      ...this.#common(name, options),
      labelNames: bound.names,
      collect: () => {
        metric.reset();
        options.collect((total, ...labels) => metric.inc(bound.values(labels[0]), total));
      },
    });
  }

  /** A gauge that is set, or read by `collect` on every scrape. */
  gauge<const L extends Labels = Record<never, never>>(
    name: string,
    options: MetricOptions<L> & {
      readonly collect?: (gauge: GaugeMetric<L>) => void | Promise<void>;
    },
  ): GaugeMetric<L> {
    const { collect } = options;
    const bound = bounded(options.labels);
    const metric = new Gauge({
      ...this.#common(name, options),
      labelNames: bound.names,
      ...(collect === undefined ? {} : { collect: () => collect(gauge) }),
    });
    const gauge: GaugeMetric<L> = {
      set: (value, ...labels) => metric.set(bound.values(labels[0]), value),
      clear: () => {
        bound.forget();
        // A reset leaves a gauge without labels at 0.
        if (bound.names.length === 0) metric.remove();
        else metric.reset();
      },
    };
    return gauge;
  }

  /** A histogram; with {@linkcode LATENCY_BUCKETS} by default. */
  histogram<const L extends Labels = Record<never, never>>(
    name: string,
    options: MetricOptions<L> & { readonly buckets?: readonly number[] },
  ): HistogramMetric<L> {
    const bound = bounded(options.labels);
    const metric = new Histogram({
      ...this.#common(name, options),
      labelNames: bound.names,
      buckets: [...options.buckets ?? LATENCY_BUCKETS],
    });
    return { observe: (value, ...labels) => metric.observe(bound.values(labels[0]), value) };
  }

  #common(name: string, options: MetricOptions<Labels>) {
    return { name, help: options.help, registers: [this.#registry] };
  }
}

interface Bound {
  readonly names: string[];
  /** Forgets the values admitted so far, so that others may be admitted. */
  forget(): void;
  /** Every combination of values, if all are known beforehand. */
  combinations(): Record<string, string>[];
  values(labels: Readonly<Record<string, string>> | undefined): Record<string, string>;
}

function bounded(labels: Labels = {}): Bound {
  const rules = Object.entries(labels).map(([name, rule]) => ({
    name,
    known: new Set(typeof rule === "number" ? [] : rule),
    room: typeof rule === "number" ? rule : 0,
  }));
  return {
    names: rules.map(({ name }) => name),
    forget: () => {
      for (const { known, room } of rules) if (room > 0) known.clear();
    },
    combinations: () => {
      let all: Record<string, string>[] = [{}];
      for (const { name, known, room } of rules) {
        const values = room > 0 ? [] : [...known];
        all = all.flatMap((some) => values.map((value) => ({ ...some, [name]: value })));
      }
      return all;
    },
    values: (given) => {
      const values: Record<string, string> = {};
      for (const { name, known, room } of rules) {
        const value = String(given?.[name]);
        if (!known.has(value) && known.size < room) known.add(value);
        values[name] = known.has(value) ? value : OTHER;
      }
      return values;
    },
  };
}

function keyOf(values: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.values(values));
}
