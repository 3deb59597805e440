/**
 * Ports that outlast transient failures: the one place where the calls of all commands are retried.
 *
 * A call is repeated whole until it succeeds or fails for good, and a read resumes where it broke
 * off. A failed first attempt may have had its effect all the same: a repeated rename may find its
 * source gone, a write its path taken, a compare-and-set another value than expected. Callers of
 * such operations check the current state, as after any lost answer. A producer's sends are never
 * repeated here: they could be duplicated.
 *
 * @module
 */

import {
  type EventLog,
  type LogBatch,
  type MasterDataset,
  PipelineError,
  type ServingStore,
} from "@pipeline/core";
import { retry, type RetryOptions, type RetryPolicy } from "./retry.ts";

/** The ports that a job may use. */
export interface Ports {
  /** The log. */
  readonly log: EventLog;
  /** The master dataset. */
  readonly dataset: MasterDataset;
  /** The serving store. */
  readonly store: ServingStore;
}

/** The same resources, with patient ports. */
export type Patient<P> = Omit<P, keyof Ports> & Pick<Ports, keyof P & keyof Ports>;

/** Options of {@linkcode patient}. Its signal ends waits; later calls are attempted a few times. */
export interface PatientOptions extends RetryOptions {
  /**
   * Called for a call without an answer for long, and again each time that its wait has doubled.
   */
  readonly onSlow?: (what: string, waited: number) => void;
  /** Milliseconds until the first `onSlow`; 5,000 by default. */
  readonly slowAfter?: number;
}

/** After the signal, work should end soon, but a transient failure should not lose it. */
const ENDING: RetryPolicy = { base: 100, max: 1_000, attempts: 5 };

/** Makes the ports among the resources patient; the others are unchanged. */
export function patient<P extends Partial<Ports>>(
  parts: P,
  options: PatientOptions = {},
): Patient<P> {
  const { log, dataset, store } = parts;
  const calls = new Calls(options);
  return {
    ...parts,
    ...(log === undefined ? {} : { log: patientLog(log, calls) }),
    ...(dataset === undefined ? {} : { dataset: patientDataset(dataset, calls) }),
    ...(store === undefined ? {} : { store: patientStore(store, calls) }),
  } as Patient<P>;
}

class Calls {
  readonly #o: PatientOptions;
  /** The call that was reported as slow, by kind of call. */
  readonly #speaking = new Map<string, string>();

  constructor(options: PatientOptions) {
    this.#o = options;
  }

  /** Calls until it succeeds or fails for good. */
  make<T>(what: string, fn: (attempt: number) => Promise<T>): Promise<T> {
    const { signal, ...rest } = this.#o;
    const options = signal?.aborted === true ? { ...rest, policy: ENDING } : this.#o;
    return retry((attempt) => this.#watched(what, () => fn(attempt)), options);
  }

  /** Resumes a read where it broke off: `open` starts there. */
  async *read<T>(what: () => string, open: () => AsyncIterable<T>): AsyncGenerator<T> {
    let reading: AsyncIterator<T> | undefined;
    try {
      for (;;) {
        const { done, value } = await this.make(what(), async (attempt) => {
          if (attempt > 1) reading = undefined;
          return await (reading ??= open()[Symbol.asyncIterator]()).next();
        });
        if (done === true) return;
        yield value;
      }
    } finally {
      await reading?.return?.();
    }
  }

  async #watched<T>(what: string, fn: () => Promise<T>): Promise<T> {
    const { onSlow, slowAfter = 5_000 } = this.#o;
    if (onSlow === undefined) return await fn();
    let waited = slowAfter;
    // Of many similar calls one is reported for all, until it is answered.
    const [kind] = what.split(" ", 1) as [string];
    const tell = () => {
      const told = this.#speaking.get(kind) ?? what;
      if (told === what) {
        this.#speaking.set(kind, what);
        onSlow(what, waited);
      }
      timer = setTimeout(tell, waited);
      waited *= 2;
    };
    let timer = setTimeout(tell, slowAfter);
    try {
      return await fn();
    } finally {
      clearTimeout(timer);
      if (this.#speaking.get(kind) === what) this.#speaking.delete(kind);
    }
  }
}

function patientLog(log: EventLog, calls: Calls): EventLog {
  return {
    ensureTopics: (specs, options) =>
      calls.make(
        `Creating ${specs.map(({ topic }) => topic)}`,
        () => log.ensureTopics(specs, options),
      ),
    ranges: (topic) => calls.make(`Asking for the offsets of ${topic}`, () => log.ranges(topic)),
    producer: () => calls.make("Connecting a producer", () => log.producer()),
    subscribe: (subscription) =>
      calls.make(`Joining the group ${subscription.group}`, () => log.subscribe(subscription)),
    marks: (group, topic) =>
      calls.make(`Asking for the marks of ${group} in ${topic}`, () => log.marks(group, topic)),
    async *read(topic, partition, from, to): AsyncGenerator<LogBatch> {
      let at = from;
      const what = () => `Reading ${topic}-${partition} from offset ${at}`;
      for await (const batch of calls.read(what, () => log.read(topic, partition, at, to))) {
        at = batch.nextOffset;
        yield batch;
      }
    },
    close: () => log.close(),
  };
}

function patientDataset(dataset: MasterDataset, calls: Calls): MasterDataset {
  return {
    write: (path, content) =>
      content instanceof Uint8Array
        ? calls.make(`Writing ${path}`, () => dataset.write(path, content))
        // A source that was consumed cannot be read again.
        : dataset.write(path, content),
    async *read(path) {
      let at = 0;
      const what = () => `Reading ${path} from byte ${at}`;
      for await (const chunk of calls.read(what, () => skip(dataset.read(path), at))) {
        at += chunk.length;
        yield chunk;
      }
    },
    status: (path) => calls.make(`Looking at ${path}`, () => dataset.status(path)),
    copies: (path) => calls.make(`Counting copies of ${path}`, () => dataset.copies(path)),
    list: (path) => calls.make(`Listing ${path}`, () => dataset.list(path)),
    mkdirs: (path) => calls.make(`Making ${path}`, () => dataset.mkdirs(path)),
    rename: (from, to) => calls.make(`Renaming ${from} to ${to}`, () => dataset.rename(from, to)),
    remove: (path) => calls.make(`Removing ${path}`, () => dataset.remove(path)),
    close: () => dataset.close(),
  };
}

function patientStore(store: ServingStore, calls: Calls): ServingStore {
  return {
    createGeneration: (g) => calls.make(`Making generation ${g}`, () => store.createGeneration(g)),
    write: (g, view, documents) =>
      calls.make(`Writing ${view} of generation ${g}`, () => store.write(g, view, documents)),
    putWatermarks: (g, watermarks) =>
      calls.make(
        `Writing watermarks of generation ${g}`,
        () => store.putWatermarks(g, watermarks),
      ),
    watermarks: (g) =>
      calls.make(`Reading watermarks of generation ${g}`, () => store.watermarks(g)),
    refresh: (g) => calls.make(`Refreshing generation ${g}`, () => store.refresh(g)),
    seal: (g) => calls.make(`Replicating generation ${g}`, () => store.seal(g)),
    get: (g, view, ids) =>
      calls.make(`Reading ${view} of generation ${g}`, () => store.get(g, view, ids)),
    search: (g, view, query) =>
      calls.make(`Searching ${view} of generation ${g}`, async () => {
        const page = await store.search(g, view, query);
        if (page.complete) return page;
        throw new PipelineError("unavailable", `A part of ${view} of generation ${g} is away`);
      }),
    count: (g, view) =>
      calls.make(`Counting ${view} of generation ${g}`, () => store.count(g, view)),
    current: () => calls.make("Asking which generation serves", () => store.current()),
    switchTo: (g, from) =>
      calls.make(`Switching to generation ${g}`, () => store.switchTo(g, from)),
    generations: () => calls.make("Listing the generations", () => store.generations()),
    dropGeneration: (g) => calls.make(`Dropping generation ${g}`, () => store.dropGeneration(g)),
    control: (id) => calls.make(`Reading ${id}`, () => store.control(id)),
    controls: (prefix) => calls.make(`Listing ${prefix}`, () => store.controls(prefix)),
    putControl: (id, body, expected) =>
      calls.make(`Writing ${id}`, () => store.putControl(id, body, expected)),
    putControls: (documents) =>
      calls.make("Writing control documents", () => store.putControls(documents)),
    removeControls: (ids) =>
      calls.make("Removing control documents", () => store.removeControls(ids)),
    close: () => store.close(),
  };
}

/** Skips the first bytes. */
async function* skip(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
