/**
 * Live traffic: the model on an open-loop schedule, sent to the log.
 *
 * @module
 */

import type { EventLog } from "@pipeline/core";
import type { Appender, Ledger } from "@pipeline/protocol";
import { type Clock, systemClock } from "@pipeline/runtime";
import { type DeliveredBatch, Delivery, type DeliveryCounts } from "./delivery.ts";
import {
  Disorder,
  type DisorderOptions,
  type InjectedRecord,
  Injections,
  Order,
} from "./disorder.ts";
import { Model, type ModelOptions } from "./model/model.ts";
import { type FactSource, pace, type PlannedSource, steadyTime } from "./pace.ts";
import { type RateProfile, Schedule } from "./schedule.ts";

/** Parameters of a live run. */
export interface RealtimeOptions extends ModelOptions {
  /** Number of the run, part of all new ids, so that later runs repeat none. */
  readonly run: number;
  /** The rate over time; see `parseRate`. */
  readonly rate: RateProfile;
  /** Milliseconds; unlimited by default. */
  readonly duration?: number;
  /** The disorder to inject. */
  readonly disorder?: DisorderOptions;
}

/** Options of a live run. */
export interface RealtimeRun {
  /** Receives every record as soon as it is acknowledged. */
  readonly ledger?: Ledger;
  /** Receives a line for each affected record. */
  readonly manifest?: Appender<InjectedRecord>;
  /** Called for every acknowledged batch, for latencies. It must be cheap. */
  readonly onDelivered?: (batch: DeliveredBatch) => void;
  /** Ends the run: records already taken are still delivered if the log answers. */
  readonly signal?: AbortSignal;
  /** The machine's clock by default. */
  readonly clock?: Clock;
  /** Least milliseconds between two sends; 5 by default. */
  readonly linger?: number;
  /** Most records in a batch; 5,000 by default. */
  readonly maxBatch?: number;
  /** Most concurrent batches; 8 by default. */
  readonly maxInFlight?: number;
}

/** Progress of a run, in records. */
export interface RealtimeStatus extends Readonly<DeliveryCounts> {
  /** Taken from the schedule. */
  readonly produced: number;
  /** Due by now and not taken, because the log holds the run back. */
  readonly behind: number;
  /** Acknowledged records with disorder, by kind. */
  readonly injected: Readonly<Injections["counts"]>;
}

/** The model's records at the schedule's times. */
class ModelSource implements FactSource {
  readonly schedule: Schedule;
  readonly #model: Model;
  readonly #start: number;
  readonly #duration: number;

  constructor(options: RealtimeOptions, start: number) {
    this.schedule = new Schedule(options.rate);
    this.#model = new Model(options);
    this.#start = start;
    this.#duration = options.duration ?? Infinity;
  }

  peek(): number | undefined {
    const due = this.schedule.next;
    // If no further record is ever due, the run waits for its signal, unless it has a duration.
    if (due > this.#duration) return undefined;
    return this.#start + due;
  }

  take() {
    const scheduled = this.#start + this.schedule.take();
    return { record: this.#model.next(Math.floor(scheduled)), scheduled };
  }

  behind(now: number): number {
    return this.schedule.behind(Math.min(now - this.#start, this.#duration));
  }
}

/** A run of live traffic. */
export class RealtimeProducer {
  readonly #source: ModelSource;
  readonly #plan: PlannedSource;
  readonly #delivery: Delivery;
  readonly #injections: Injections;
  readonly #run: RealtimeRun;
  readonly #now: () => number;

  /** Starts the run's time. */
  constructor(log: EventLog, options: RealtimeOptions, run: RealtimeRun = {}) {
    this.#run = run;
    this.#now = steadyTime(run.clock ?? systemClock);
    this.#source = new ModelSource(options, this.#now());
    this.#plan = options.disorder === undefined
      ? new Order(this.#source)
      : new Disorder(this.#source, options.seed, options.disorder);
    const injections = this.#injections = new Injections(run.manifest);
    this.#delivery = new Delivery(log, {
      ...run,
      onDelivered: async (batch) => {
        if (options.disorder !== undefined) await injections.note(batch);
        run.onDelivered?.(batch);
      },
    });
  }

  /**
   * Produces until the duration is over or the signal is aborted; then everything is acknowledged.
   */
  async run(): Promise<RealtimeStatus> {
    try {
      await pace(this.#plan, this.#delivery, { ...this.#run, now: this.#now });
    } finally {
      await this.#delivery.close();
    }
    return this.status();
  }

  /** Milliseconds that the oldest pending batch has waited for its acknowledgement. */
  get waiting(): number {
    return this.#delivery.waiting;
  }

  /** Progress of the run. */
  status(): RealtimeStatus {
    return {
      ...this.#delivery.counts,
      produced: this.#source.schedule.taken,
      behind: this.#source.behind(this.#now()),
      injected: { ...this.#injections.counts },
    };
  }
}
