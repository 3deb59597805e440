/**
 * Random histories of assignment: what happens to the log, to the instances of speed and to the
 * generations between two questions.
 *
 * @module
 */

import { TOPICS } from "@pipeline/core";
import { openMemory } from "@pipeline/adapters/testing";
import { type Manifest, readFolded, readManifest, writeManifest } from "@pipeline/protocol";
import { TestClock } from "@pipeline/runtime";
import fc from "fast-check";
import { endsOf, offsetsByPart, prepare } from "./_fresh.ts";
import { Instance, type InstanceOptions } from "./_instances.ts";
import { anyValues, APPENDED, type Value } from "./_logs.ts";

const SETTINGS = fc.record({
  flushInterval: fc.constantFrom(200, 4_000),
  // The few documents of the first are some seconds of a pass.
  maxDocuments: fc.constantFrom(10, 100_000),
  pollInterval: fc.constantFrom(300, 3_000),
});

const which = fc.nat(4);

/** One event. `which` names an instance, modulo their number. */
export const anyEvent = fc.oneof(
  fc.record({ type: fc.constant("append" as const), values: anyValues }),
  fc.record({ type: fc.constant("append" as const), values: anyValues }),
  fc.record({ type: fc.constant("gap" as const), which, offsets: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ type: fc.constant("start" as const), alone: fc.boolean(), settings: SETTINGS }),
  fc.record({ type: fc.constant("start" as const), alone: fc.boolean(), settings: SETTINGS }),
  fc.record({ type: fc.constant("stop" as const), which }),
  fc.record({ type: fc.constant("kill" as const), which }),
  fc.record({ type: fc.constant("freeze" as const), which, expel: fc.boolean() }),
  fc.record({ type: fc.constant("thaw" as const), which }),
  fc.record({ type: fc.constant("prepare" as const) }),
  fc.record({ type: fc.constant("switch" as const) }),
  fc.record({ type: fc.constant("rollBack" as const) }),
  fc.record({ type: fc.constant("wait" as const) }),
);

/** See {@linkcode anyEvent}. */
export type Event = typeof anyEvent extends fc.Arbitrary<infer E> ? E : never;

/** How a history begins. */
export const anyBeginning = fc.record({
  partitions: fc.integer({ min: 1, max: 2 }),
  /** Records that the first generation has folded. */
  batch: anyValues,
  /** Of the first instance. */
  settings: SETTINGS,
});

type Beginning = typeof anyBeginning extends fc.Arbitrary<infer B> ? B : never;

/** Most instances at a time. */
const MOST = 4;

/** A log, a store, and the instances of speed on them. */
export class History {
  readonly clock = new TestClock(APPENDED);
  readonly log;
  readonly store;
  readonly instances: Instance[] = [];
  /** All generations so far, by number. */
  readonly manifests = new Map<number, Manifest>();
  readonly #ports;
  #served = 0;
  #prepared: number | undefined;
  #previous: number | undefined;
  #started = 0;
  #passing = Promise.resolve();

  constructor(readonly partitions: number) {
    this.#ports = openMemory({ clock: () => this.clock.now(), abrupt: true });
    this.log = this.#ports.log;
    this.store = this.#ports.store;
  }

  /** A history in which a first generation is served, and one instance begins to fold. */
  static async begin({ partitions, batch, settings }: Beginning): Promise<History> {
    const history = new History(partitions);
    await history.log.ensureTopics(TOPICS.map((topic) => ({ topic, partitions })));
    await history.append(batch);
    await history.#prepare();
    await history.#switch();
    history.#start({ alone: false, settings });
    return history;
  }

  /** Appends records, and lets those fold them who can. */
  async append(values: readonly Value[]): Promise<void> {
    const producer = await this.log.producer();
    await producer.send(values);
    await this.pass(0);
  }

  /** Lets an event happen. */
  async happen(event: Event): Promise<void> {
    await this.#happen(event);
    await this.pass(0);
  }

  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void> {
    return this.#passing = this.#passing.then(() => this.clock.advance(ms));
  }

  /** The store's watermarks of every generation, by the part's name. */
  async watermarks(): Promise<Map<number, Map<string, number>>> {
    const found = new Map<number, Map<string, number>>();
    for (const generation of this.manifests.keys()) {
      found.set(generation, offsetsByPart(await readFolded(this.store, generation)));
    }
    return found;
  }

  async #happen(event: Event): Promise<void> {
    switch (event.type) {
      case "append":
        return await this.append(event.values);
      case "gap": {
        const topic = TOPICS[event.which % TOPICS.length]!;
        return this.log.gap(topic, event.which % this.partitions, event.offsets);
      }
      case "start":
        return this.#start(event);
      case "prepare":
        return await this.#prepare();
      case "switch":
        return await this.#switch();
      case "rollBack":
        return await this.#rollBack();
      case "wait":
        return await this.pass(31_000);
    }
    const instance = this.instances[event.which % this.instances.length];
    if (instance === undefined) return;
    switch (event.type) {
      case "stop": {
        if (instance.frozen) return;
        const gone = () => this.#remove(instance);
        return void instance.speed.stop().then(gone, gone);
      }
      case "kill":
        this.#remove(instance);
        return instance.kill();
      case "freeze":
        instance.freeze();
        return event.expel ? instance.expel() : undefined;
      case "thaw":
        return instance.thaw();
    }
  }

  #start({ alone, settings }: Pick<InstanceOptions, "alone" | "settings">): void {
    if (this.instances.length === MOST) return;
    const { clock } = this;
    const name = `instance ${++this.#started}`;
    this.instances.push(new Instance(this.#ports, { name, alone, settings, clock }));
  }

  #remove(instance: Instance): void {
    const at = this.instances.indexOf(instance);
    if (at >= 0) this.instances.splice(at, 1);
  }

  async #prepare(): Promise<void> {
    if (this.#prepared !== undefined) return;
    const generation = this.#prepared = this.manifests.size + 1;
    const horizon = await endsOf(this.log);
    this.manifests.set(generation, await prepare(this.#ports, { generation, horizon }));
  }

  /** Serves the prepared generation, and drops the one before the last. */
  async #switch(): Promise<void> {
    const [next, old] = [this.#prepared, this.#previous];
    if (next === undefined) return;
    await this.store.switchTo(next, this.#served || undefined);
    await this.#mark(next, "live");
    if (this.#served > 0) await this.#mark(this.#served, "previous");
    [this.#previous, this.#served, this.#prepared] = [this.#served || undefined, next, undefined];
    if (old === undefined) return;
    await this.store.dropGeneration(old);
    const controls = await this.store.controls("");
    const name = String(old).padStart(6, "0");
    await this.store.removeControls(
      controls.map(({ id }) => id).filter((id) => id.includes(`/${name}`)),
    );
  }

  /** Serves the generation before again: it is prepared first, so that it is folded. */
  async #rollBack(): Promise<void> {
    if (this.#prepared !== undefined || this.#previous === undefined) return;
    await this.#mark(this.#previous, "prepared");
    await this.pass(100);
    await this.store.switchTo(this.#previous, this.#served);
    await this.#mark(this.#previous, "live");
    await this.#mark(this.#served, "previous");
    [this.#previous, this.#served] = [this.#served, this.#previous];
  }

  async #mark(generation: number, state: Manifest["state"]): Promise<void> {
    const found = (await readManifest(this.store, generation))!;
    await writeManifest(this.store, { ...found.manifest, state }, found.version);
  }
}
