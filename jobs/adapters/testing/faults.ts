/**
 * One process over ports that outlive it: every I/O step is announced to a hook, which may delay
 * it, fail it before or after its effect, or kill the process there. A killed instance has no
 * further effect; a new one takes its place.
 *
 * @module
 */

import {
  type Consumer,
  type EventLog,
  type LogProducer,
  type MasterDataset,
  partitionName,
  PipelineError,
  type ServingStore,
  type StoredDocument,
} from "@pipeline/core";

/** The three ports that a job is wired to. */
export interface Ports {
  /** The log. */
  readonly log: EventLog;
  /** The master dataset. */
  readonly dataset: MasterDataset;
  /** The serving store. */
  readonly store: ServingStore;
}

/** Thrown by a hook: the process dies at this step. */
export class SimulatedCrash extends Error {
  /** The name of the class. */
  override name = "SimulatedCrash";
}

/**
 * Called around each step, with a name such as `dataset.rename /a /b`. An error that it throws
 * before a step prevents the effect; after it, the answer is lost. {@linkcode SimulatedCrash} ends
 * the instance, any other error only the call.
 */
export type Step = (name: string, phase: "before" | "after") => Promise<void>;

/** The faults to inject. */
export interface FaultOptions {
  /** Called around each step. */
  readonly step: Step;
  /**
   * Documents of a write, records of a send and chunks of a file that take effect in one step; the
   * rest follows in steps of its own, so that a call can be applied in part. Unlimited by default;
   * files are always written in at least two steps.
   */
  readonly chunk?: number;
  /** Bytes after which reading a file fails as `corrupt`; `undefined` reads all of it. */
  readonly truncateRead?: (path: string) => number | undefined;
  /** Whether a search misses every second document and reports that it is incomplete. */
  readonly partialSearch?: (generation: number, view: string) => boolean;
}

/** The wrapped ports of one process. */
export interface FaultyPorts extends Ports {
  /** Whether the process was killed. */
  readonly crashed: boolean;
  /** Kills the process between two steps. */
  crash(): void;
}

/** Wraps the ports of one process. Closing them leaves the wrapped ones open. */
export function faulty(ports: Ports, options: FaultOptions): FaultyPorts {
  const life = new Life(options);
  return {
    log: faultyLog(ports.log, life),
    dataset: faultyDataset(ports.dataset, life),
    store: faultyStore(ports.store, life),
    get crashed() {
      return life.over;
    },
    crash: () => life.crash(),
  };
}

/** The life of one process, and the hook around its steps. */
class Life {
  over = false;
  readonly #end = Promise.withResolvers<never>();
  readonly #consumers = new Set<Consumer>();

  constructor(readonly options: FaultOptions) {
    this.#end.promise.catch(() => {});
  }

  crash(): void {
    if (this.over) return;
    this.over = true;
    this.#end.reject(this.error());
    for (const consumer of this.#consumers) consumer.stop().catch(() => {});
  }

  error(): PipelineError {
    return new PipelineError("stopped", "The process was killed");
  }

  /** Announces one phase of a step. */
  async hook(name: string, phase: "before" | "after"): Promise<void> {
    if (this.over) throw this.error();
    try {
      await this.options.step(name, phase);
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error;
      this.crash();
    }
    if (this.over) throw this.error();
  }

  async step<T>(name: string, effect: () => Promise<T>): Promise<T> {
    await this.hook(name, "before");
    const result = await effect();
    await this.hook(name, "after");
    return result;
  }

  /** Work of the process itself, which ends with the process. */
  within<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#end.promise]);
  }

  track(consumer: Consumer): void {
    this.#consumers.add(consumer);
    const forget = () => this.#consumers.delete(consumer);
    consumer.done.then(forget, forget);
    if (this.over) consumer.stop().catch(() => {});
  }

  /** Processes a list in steps of `chunk` elements, with at least one step. */
  async inChunks<T>(
    name: string,
    items: readonly T[],
    effect: (chunk: readonly T[]) => Promise<void>,
  ): Promise<void> {
    const size = Math.max(1, this.options.chunk ?? items.length);
    for (let at = 0; at === 0 || at < items.length; at += size) {
      await this.step(name, () => effect(items.slice(at, at + size)));
    }
  }
}

function faultyLog(log: EventLog, life: Life): EventLog {
  const consumers = new Set<Consumer>();
  return {
    ensureTopics: (specs, options) =>
      life.step("log.ensureTopics", () => log.ensureTopics(specs, options)),
    ranges: (topic) => life.step(`log.ranges ${topic}`, () => log.ranges(topic)),
    producer: async () =>
      faultyProducer(await life.step("log.producer", () => log.producer()), life),
    async subscribe(subscription) {
      const consumer = await life.step(
        `log.subscribe ${subscription.group}`,
        async () => {
          const consumer = await log.subscribe({
            ...subscription,
            start: (topic, partition) => life.within(subscription.start(topic, partition)),
            async batch(batch) {
              const name = `log.deliver ${partitionName(batch.topic, batch.partition)}`;
              await life.step(name, () => life.within(subscription.batch(batch)));
            },
            async revoked(topic, partition) {
              if (life.over) return;
              await life.within(subscription.revoked?.(topic, partition) ?? Promise.resolve());
            },
          });
          life.track(consumer);
          return consumer;
        },
      );
      consumers.add(consumer);
      const done = life.within(consumer.done);
      done.catch(() => {});
      return {
        done,
        stop: () => life.within(consumer.stop()),
        mark: (...where) => consumer.mark(...where),
      };
    },
    marks: (group, topic) => life.step(`log.marks ${group}`, () => log.marks(group, topic)),
    async *read(topic, partition, from, to) {
      const name = `log.read ${partitionName(topic, partition)}`;
      await life.hook(name, "before");
      for await (const batch of log.read(topic, partition, from, to)) {
        await life.hook(name, "after");
        yield batch;
        await life.hook(name, "before");
      }
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
    },
  };
}

function faultyProducer(producer: LogProducer, life: Life): LogProducer {
  // Overlapping calls keep their order, however the hook delays them.
  let last: Promise<unknown> = Promise.resolve();
  return {
    send(records) {
      const sent = last.then(async () => {
        const acknowledgements: Awaited<ReturnType<LogProducer["send"]>> = [];
        await life.inChunks("log.send", records, async (chunk) => {
          acknowledgements.push(...await producer.send(chunk));
        });
        return acknowledgements;
      });
      last = sent.catch(() => {});
      return sent;
    },
    async close() {
      await last;
      await life.step("log.closeProducer", () => producer.close());
    },
  };
}

function faultyDataset(dataset: MasterDataset, life: Life): MasterDataset {
  return {
    write(path, content) {
      const name = `dataset.write ${path}`;
      const parts = async function* () {
        for await (const part of split(content)) {
          yield part;
          await life.hook(`dataset.writePart ${path}`, "after");
        }
      };
      return life.step(name, () => dataset.write(path, parts()));
    },
    async *read(path) {
      const name = `dataset.read ${path}`;
      let left = life.options.truncateRead?.(path) ?? Infinity;
      await life.hook(name, "before");
      for await (const chunk of dataset.read(path)) {
        await life.hook(name, "after");
        if (chunk.length > left) {
          if (left > 0) yield chunk.subarray(0, left);
          throw new PipelineError("corrupt", `${path} broke off: bytes are missing`);
        }
        left -= chunk.length;
        yield chunk;
        await life.hook(name, "before");
      }
    },
    status: (path) => life.step(`dataset.status ${path}`, () => dataset.status(path)),
    copies: (path) => life.step(`dataset.copies ${path}`, () => dataset.copies(path)),
    list: (path) => life.step(`dataset.list ${path}`, () => dataset.list(path)),
    mkdirs: (path) => life.step(`dataset.mkdirs ${path}`, () => dataset.mkdirs(path)),
    rename: (from, to) => life.step(`dataset.rename ${from} ${to}`, () => dataset.rename(from, to)),
    remove: (path) => life.step(`dataset.remove ${path}`, () => dataset.remove(path)),
    close: () => Promise.resolve(),
  };
}

/** A file's content in at least two chunks. */
async function* split(
  content: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    const half = content.length >>> 1;
    yield content.subarray(0, half);
    yield content.subarray(half);
  } else {
    yield* content;
  }
}

function faultyStore(store: ServingStore, life: Life): ServingStore {
  return {
    createGeneration: (g) =>
      life.step(`store.createGeneration ${g}`, () => store.createGeneration(g)),
    write: (g, view, documents: readonly StoredDocument[]) =>
      life.inChunks(`store.write ${g} ${view}`, documents, (chunk) => store.write(g, view, chunk)),
    putWatermarks: (g, watermarks) =>
      life.step(`store.putWatermarks ${g}`, () => store.putWatermarks(g, watermarks)),
    watermarks: (g) => life.step(`store.watermarks ${g}`, () => store.watermarks(g)),
    refresh: (g) => life.step(`store.refresh ${g}`, () => store.refresh(g)),
    seal: (g) => life.step(`store.seal ${g}`, () => store.seal(g)),
    get: (g, view, ids) => life.step(`store.get ${g} ${view}`, () => store.get(g, view, ids)),
    search: (g, view, query) =>
      life.step(`store.search ${g} ${view}`, async () => {
        const page = await store.search(g, view, query);
        if (!life.options.partialSearch?.(g, view)) return page;
        return { documents: page.documents.filter((_, i) => i % 2 === 0), complete: false };
      }),
    count: (g, view) => life.step(`store.count ${g} ${view}`, () => store.count(g, view)),
    current: () => life.step("store.current", () => store.current()),
    switchTo: (g, from) => life.step(`store.switchTo ${g}`, () => store.switchTo(g, from)),
    generations: () => life.step("store.generations", () => store.generations()),
    dropGeneration: (g) => life.step(`store.dropGeneration ${g}`, () => store.dropGeneration(g)),
    control: (id) => life.step(`store.control ${id}`, () => store.control(id)),
    controls: (prefix) => life.step(`store.controls ${prefix}`, () => store.controls(prefix)),
    putControl: (id, body, expected) =>
      life.step(`store.putControl ${id}`, () => store.putControl(id, body, expected)),
    putControls: (documents) =>
      life.inChunks("store.putControls", documents, (chunk) => store.putControls(chunk)),
    removeControls: (ids) =>
      life.inChunks("store.removeControls", ids, (chunk) => store.removeControls(chunk)),
    close: () => Promise.resolve(),
  };
}
