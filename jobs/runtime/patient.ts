/**
 * Ports that wait for what passes: the one place where calls of every command are tried again.
 *
 * A call is repeated whole until it succeeds or fails for good, and a reading goes on where it broke
 * off. A first try may have had its effect all the same: a rename that is repeated may find its
 * source gone, a write its path taken, a compare-and-set another value than was expected. Whoever
 * makes such calls looks at what stands there, as after any lost answer. What a producer sends is
 * never repeated here: it could be there twice.
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

/** What a job works with, as far as it does. */
export interface Ports {
  /** The log. */
  readonly log: EventLog;
  /** The master dataset. */
  readonly dataset: MasterDataset;
  /** The serving store. */
  readonly store: ServingStore;
}

/** The same parts, of which the ports are patient. */
export type Patient<P> = Omit<P, keyof Ports> & Pick<Ports, keyof P & keyof Ports>;

/** Options of {@linkcode patient}. Its signal ends waits; what is called later is tried a few times. */
export interface PatientOptions extends RetryOptions {
  /** Told of a call that has no answer for long, again each time it waited twice as long. */
  readonly onSlow?: (what: string, waited: number) => void;
  /** Milliseconds until that; 5,000 where not given. */
  readonly slowAfter?: number;
}

/** Once work is told to end, it is to end soon: but a moment's trouble is no reason to lose it. */
const ENDING: RetryPolicy = { base: 100, max: 1_000, attempts: 5 };

/** Makes the ports among the parts patient; the other parts are as they were. */
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
  /** By kind of call, the one whose slowness was told. */
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

  /** Reads on where it broke off: `open` begins there. */
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
    // Of many calls alike one speaks for all, until it is answered.
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
        `Making ${specs.map(({ topic }) => topic)}`,
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
        // What was read once cannot be read anew.
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

/** All but the first bytes. */
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
