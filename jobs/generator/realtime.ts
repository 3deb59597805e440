/**
 * Live traffic: the model on an open-loop schedule, onto the log.
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

/** What to produce. */
export interface RealtimeOptions extends ModelOptions {
  /** Number of the run, in the ids of all that is new, so that a later run repeats none. */
  readonly run: number;
  /** How many records when; see `parseRate`. */
  readonly rate: RateProfile;
  /** Milliseconds; without an end where not given. */
  readonly duration?: number;
  /** What goes wrong on purpose. */
  readonly disorder?: DisorderOptions;
}

/** How to produce. */
export interface RealtimeRun {
  /** Takes every record as soon as it is acknowledged. */
  readonly ledger?: Ledger;
  /** Takes a line for each disturbed record. */
  readonly manifest?: Appender<InjectedRecord>;
  /** Called for every acknowledged batch, for latencies. Keep it cheap. */
  readonly onDelivered?: (batch: DeliveredBatch) => void;
  /** Ends the run: what was taken is still delivered where the log answers. */
  readonly signal?: AbortSignal;
  /** The machine's clock where not given. */
  readonly clock?: Clock;
  /** Least milliseconds between two sends; 5 where not given. */
  readonly linger?: number;
  /** Most records in a batch; 5,000 where not given. */
  readonly maxBatch?: number;
  /** Batches under way at the same time; 8 where not given. */
  readonly maxInFlight?: number;
}

/** Where a run stands. Numbers of records. */
export interface RealtimeStatus extends Readonly<DeliveryCounts> {
  /** Taken off the schedule. */
  readonly produced: number;
  /** Due by now and not taken, because the log holds the run back. */
  readonly behind: number;
  /** Acknowledged records that were disturbed, by kind. */
  readonly injected: Readonly<Injections["counts"]>;
}

/** The model's facts at the schedule's times. */
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
    // What is never due has no end to wait for either, unless there is a duration.
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

  /** The run's time starts now. */
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

  /** Produces until the duration is over or the signal is aborted; then all is acknowledged. */
  async run(): Promise<RealtimeStatus> {
    try {
      await pace(this.#plan, this.#delivery, { ...this.#run, now: this.#now });
    } finally {
      await this.#delivery.close();
    }
    return this.status();
  }

  /** Milliseconds that the oldest batch under way has been waiting for its acknowledgement. */
  get waiting(): number {
    return this.#delivery.waiting;
  }

  /** Where the run stands. */
  status(): RealtimeStatus {
    return {
      ...this.#delivery.counts,
      produced: this.#source.schedule.taken,
      behind: this.#source.behind(this.#now()),
      injected: { ...this.#injections.counts },
    };
  }
}
