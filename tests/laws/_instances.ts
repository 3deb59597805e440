/**
 * Instances of speed on one log and one store, which come, go, stand still and answer.
 *
 * @module
 */

import { type Consumer, type EventLog, PipelineError } from "@pipeline/core";
import { faulty, type FaultyPorts, type Ports, withSubscribe } from "@pipeline/adapters/testing";
import type { PartAnswer, PartsRequest } from "@pipeline/protocol";
import type { Clock } from "@pipeline/runtime";
import { Speed, type SpeedSettings } from "@pipeline/speed";

/** How an instance differs from others. */
export interface InstanceOptions {
  /** Its name, which no other one has. */
  readonly name: string;
  /** Reads all partitions, whoever else does: a standby. */
  readonly alone: boolean;
  /** How often and how much it writes. */
  readonly settings: SpeedSettings;
  /** The time of its process. */
  readonly clock: Clock;
}

interface Membership {
  consumer?: Consumer;
  readonly lost: PromiseWithResolvers<void>;
}

/** A process of speed. */
export class Instance {
  readonly speed: Speed;
  readonly #ports: FaultyPorts;
  readonly #memberships = new Set<Membership>();
  /** Every step waits for it. */
  #gate = Promise.resolve();
  #open: (() => void) | undefined;

  constructor(ports: Ports, { name, alone, settings, clock }: InstanceOptions) {
    this.#ports = faulty({ ...ports, log: this.#log(ports.log, alone ? name : undefined) }, {
      step: () => this.#gate,
    });
    const { log, store } = this.#ports;
    this.speed = Speed.start({ log, store, settings, clock });
  }

  /** Whether it takes no step. */
  get frozen(): boolean {
    return this.#open !== undefined;
  }

  /** Takes no step any more: nothing is delivered and nothing is written. It still answers. */
  freeze(): void {
    if (this.frozen) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#open = resolve;
  }

  /** The group goes on without it, and it does not know: a zombie. */
  expel(): void {
    for (const { consumer, lost } of this.#memberships) {
      lost.resolve();
      consumer?.stop().catch(() => {});
    }
    this.#memberships.clear();
  }

  /** Goes on with the steps that it was about to take. */
  thaw(): void {
    this.#open?.();
    this.#open = undefined;
  }

  /** Ends without a further step. */
  kill(): void {
    this.#ports.crash();
    this.expel();
    this.thaw();
  }

  /** Its answers; none if it refuses. */
  answer(request: PartsRequest): PartAnswer[] {
    try {
      return this.speed.answer(request);
    } catch (error) {
      if (error instanceof PipelineError) return [];
      throw error;
    }
  }

  #log(log: EventLog, own: string | undefined): EventLog {
    return withSubscribe(log, async (subscription) => {
      const membership: Membership = { lost: Promise.withResolvers<void>() };
      const { group, start, batch, revoked } = subscription;
      const { lost } = membership;
      this.#memberships.add(membership);
      return membership.consumer = await log.subscribe({
        ...subscription,
        group: own === undefined ? group : `${group} of ${own}`,
        start: (...where) => Promise.race([start(...where), lost.promise.then(() => 0)]),
        batch: (delivered) => Promise.race([batch(delivered), lost.promise]),
        revoked: async (...where) => {
          await this.#gate;
          await revoked?.(...where);
        },
      });
    });
  }
}
