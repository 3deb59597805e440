/**
 * One run of a job on the shared ports: each of its I/O steps waits for its turn, and
 * it can be killed or paused at each.
 *
 * @module
 */

import { faulty, type FaultyPorts, type Ports, SimulatedCrash } from "@pipeline/adapters/testing";
import type { EventLog } from "@pipeline/core";
import { type Clock, patient, type RetryOptions } from "@pipeline/runtime";
import type { Owner, Scheduler } from "./_scheduler.ts";

/** How one run of a job differs from the next. */
export interface ProcessOptions {
  /** What a step applies at once; see `FaultOptions`. */
  readonly chunk?: number;
  /** Most records of a batch that is delivered. */
  readonly maxRecords?: number;
  /** Reads all partitions whoever else does: no other member knows of it. */
  readonly alone?: boolean;
  /** Whether reading a file breaks off. */
  readonly truncate?: () => boolean;
}

/** A run of a job. */
export class Process implements Owner {
  readonly name: string;
  /** They are patient, as those of every job. */
  readonly ports: Ports;
  /** The same without retries, as those of serving. */
  readonly impatient: Ports;
  readonly #faulty: FaultyPorts;
  readonly clock: Clock;
  readonly retry: RetryOptions;
  paused = false;
  dead = false;
  /** Told when it was killed. */
  onKill: () => void = () => {};
  readonly #scheduler: Scheduler;

  constructor(
    readonly kind: string,
    ports: Ports,
    scheduler: Scheduler,
    options: ProcessOptions = {},
  ) {
    this.name = `${kind}#${scheduler.owners++}`;
    this.#scheduler = scheduler;
    this.clock = scheduler.clock(this);
    this.retry = {
      clock: this.clock,
      random: scheduler.random.next,
      policy: { base: 20, max: 500 },
    };
    this.#faulty = faulty({ ...ports, log: personal(ports.log, this.name, options) }, {
      step: async (name, phase) => {
        try {
          await scheduler.turn(this, name, phase);
        } catch (error) {
          if (error instanceof SimulatedCrash) this.kill();
          throw error;
        }
      },
      ...(options.chunk === undefined ? {} : { chunk: options.chunk }),
      truncateRead: () => options.truncate?.() ? 5 : undefined,
    });
    this.impatient = this.#faulty;
    this.ports = patient(this.#faulty, this.retry);
  }

  /** Ends it between two steps. */
  kill(): void {
    if (this.dead) return;
    this.dead = true;
    this.#faulty.crash();
    this.#scheduler.drop(this);
    this.onKill();
  }
}

function personal(log: EventLog, name: string, options: ProcessOptions): EventLog {
  return {
    ensureTopics: (specs) => log.ensureTopics(specs),
    ranges: (topic) => log.ranges(topic),
    marks: (group, topic) => log.marks(group, topic),
    producer: () => log.producer(),
    subscribe: (subscription) =>
      log.subscribe({
        ...subscription,
        ...(options.maxRecords === undefined ? {} : { maxRecords: options.maxRecords }),
        ...(options.alone === true ? { group: `${subscription.group} of ${name}` } : {}),
      }),
    read: (topic, partition, from, to) => log.read(topic, partition, from, to),
    close: () => log.close(),
  };
}
