// deno-lint-ignore-file require-await -- Async so that errors reject and never throw.
/**
 * The serving store in memory, for tests and simulation.
 *
 * @module
 */

import {
  BATCH_PART,
  compareUtf8,
  type ControlDocument,
  page,
  PipelineError,
  type ServingStore,
  type StoredDocument,
  type ViewName,
  type ViewPage,
  type ViewQuery,
  VIEWS,
  type Watermark,
  type WatermarkOutcome,
} from "@pipeline/core";
import {
  checkControl,
  checkDocument,
  checkGeneration,
  checkQuery,
  checkWatermark,
  noGeneration,
  stopped,
} from "../contract/rules.ts";

/** Options of the store. */
export interface MemoryStoreOptions {
  /**
   * When `search` sees a write: at once, or only after {@linkcode MemoryStore.refresh} (or `seal`),
   * as with a long refresh interval.
   */
  readonly refresh?: "write" | "manual";
  /**
   * Whether new generations have a place for watermarks; not in those that earlier versions have
   * created. True by default.
   */
  readonly watermarks?: boolean;
}

interface Generation {
  readonly indices: ReadonlyMap<ViewName, Index>;
  /** By part; `undefined` if the generation has no place for them. */
  readonly watermarks: Map<string, Watermark> | undefined;
  /** Whether documents were lost since watermarks were last put. */
  lossy: boolean;
}

interface Index {
  readonly documents: Map<string, StoredDocument>;
  /** The documents that `search` sees; the same map unless refreshes are manual. */
  visible: Map<string, StoredDocument>;
}

class StoreState {
  readonly generations = new Map<number, Generation>();
  readonly controls = new Map<string, ControlDocument>();
  current: number | undefined;
  constructor(readonly manual: boolean, readonly marked: boolean) {}

  index(generation: number, view: ViewName): Index {
    const index = this.generations.get(generation)?.indices.get(view);
    if (index !== undefined) return index;
    throw noGeneration(generation);
  }

  refresh(generation: number): void {
    for (const index of this.generations.get(generation)?.indices.values() ?? []) {
      if (this.manual) index.visible = new Map(index.documents);
    }
  }
}

/** A shallow copy suffices: bodies of views are flat. */
function copy<T extends StoredDocument | undefined>(document: T): T {
  return document && { ...document, body: { ...document.body } };
}

function jsonCopy<T extends ControlDocument | Watermark>(document: T): T {
  return JSON.parse(JSON.stringify(document));
}

/** A store in memory. {@linkcode MemoryStore.connect} returns more handles on the same state. */
export class MemoryStore implements ServingStore {
  #state: StoreState;
  #closed = false;

  /** Creates an empty store. */
  constructor(options: MemoryStoreOptions = {}) {
    this.#state = new StoreState(options.refresh === "manual", options.watermarks ?? true);
  }

  /** Another handle on the same documents. */
  connect(): MemoryStore {
    const handle = new MemoryStore();
    handle.#state = this.#state;
    return handle;
  }

  /** See {@linkcode ServingStore.refresh}; refreshes all generations if none is named. */
  async refresh(generation?: number): Promise<void> {
    this.#check();
    if (generation !== undefined && !this.#state.generations.has(generation)) {
      throw noGeneration(generation);
    }
    const all = generation === undefined ? [...this.#state.generations.keys()] : [generation];
    for (const one of all) this.#state.refresh(one);
  }

  /** See {@linkcode ServingStore.createGeneration}. */
  async createGeneration(generation: number): Promise<void> {
    this.#check();
    checkGeneration(generation);
    if (this.#state.generations.has(generation)) return;
    const indices = new Map<ViewName, Index>();
    for (const view of VIEWS) {
      const documents = new Map<string, StoredDocument>();
      indices.set(view, { documents, visible: this.#state.manual ? new Map() : documents });
    }
    const watermarks = this.#state.marked ? new Map<string, Watermark>() : undefined;
    this.#state.generations.set(generation, { indices, watermarks, lossy: false });
  }

  /** See {@linkcode ServingStore.write}. */
  async write(
    generation: number,
    view: ViewName,
    documents: readonly StoredDocument[],
  ): Promise<void> {
    this.#check();
    const index = this.#state.index(generation, view).documents;
    for (const document of documents) checkDocument(view, document);
    for (const { id, version, body } of documents) {
      if (version <= (index.get(id)?.version ?? -1)) continue;
      index.set(id, { id, version, body: { ...body } });
    }
  }

  /** See {@linkcode ServingStore.putWatermarks}. */
  async putWatermarks(
    generation: number,
    watermarks: readonly Watermark[],
  ): Promise<WatermarkOutcome> {
    this.#check();
    for (const watermark of watermarks) checkWatermark(watermark);
    const found = this.#state.generations.get(generation);
    if (found === undefined) throw noGeneration(generation);
    if (found.watermarks === undefined) return "absent";
    if (found.lossy) {
      found.lossy = false;
      return "lost";
    }
    this.#state.refresh(generation);
    for (const { part, version, body } of watermarks) {
      if (version <= (found.watermarks.get(part)?.version ?? 0)) continue;
      found.watermarks.set(part, jsonCopy({ part, version, body }));
    }
    return "stored";
  }

  /** See {@linkcode ServingStore.watermarks}. */
  async watermarks(generation: number): Promise<readonly Watermark[] | undefined> {
    this.#check();
    const found = this.#state.generations.get(generation)?.watermarks;
    return found && [...found.values()].sort((a, b) => compareUtf8(a.part, b.part)).map(jsonCopy);
  }

  /** Loses all documents of speed, and with them the watermarks. */
  lose(generation: number): void {
    const found = this.#state.generations.get(generation);
    if (found === undefined) throw noGeneration(generation);
    for (const { documents, visible } of found.indices.values()) {
      for (const held of [documents, visible]) {
        for (const [id, { body }] of held) if (body.part !== BATCH_PART) held.delete(id);
      }
    }
    found.watermarks?.clear();
    found.lossy = true;
  }

  /** See {@linkcode ServingStore.seal}. */
  async seal(generation: number): Promise<void> {
    this.#check();
    if (!this.#state.generations.has(generation)) throw noGeneration(generation);
    this.#state.refresh(generation);
  }

  /** See {@linkcode ServingStore.get}. */
  async get(
    generation: number,
    view: ViewName,
    ids: readonly string[],
  ): Promise<(StoredDocument | undefined)[]> {
    this.#check();
    const index = this.#state.index(generation, view).documents;
    return ids.map((id) => copy(index.get(id)));
  }

  /** See {@linkcode ServingStore.search}. */
  async search(generation: number, view: ViewName, query: ViewQuery): Promise<ViewPage> {
    this.#check();
    checkQuery(query);
    const { visible } = this.#state.index(generation, view);
    return { documents: page(visible.values(), query).map(copy), complete: true };
  }

  /** See {@linkcode ServingStore.count}. */
  async count(generation: number, view: ViewName): Promise<number> {
    this.#check();
    return this.#state.index(generation, view).visible.size;
  }

  /** See {@linkcode ServingStore.current}. */
  async current(): Promise<number | undefined> {
    this.#check();
    return this.#state.current;
  }

  /** See {@linkcode ServingStore.switchTo}. */
  async switchTo(generation: number, from: number | undefined): Promise<void> {
    this.#check();
    if (!this.#state.generations.has(generation)) throw noGeneration(generation);
    if (this.#state.current !== from) {
      throw new PipelineError(
        "conflict",
        `The aliases name generation ${this.#state.current ?? "none"}, not ${from ?? "none"}`,
      );
    }
    this.#state.current = generation;
  }

  /** See {@linkcode ServingStore.generations}. */
  async generations(): Promise<number[]> {
    this.#check();
    return [...this.#state.generations.keys()].sort((a, b) => a - b);
  }

  /** See {@linkcode ServingStore.dropGeneration}. */
  async dropGeneration(generation: number): Promise<void> {
    this.#check();
    if (this.#state.current === generation) {
      throw new PipelineError("conflict", `Generation ${generation} is the current one`);
    }
    this.#state.generations.delete(generation);
  }

  /** See {@linkcode ServingStore.control}. */
  async control(id: string): Promise<ControlDocument | undefined> {
    this.#check();
    const found = this.#state.controls.get(id);
    return found && jsonCopy(found);
  }

  /** See {@linkcode ServingStore.controls}. */
  async controls(prefix: string): Promise<ControlDocument[]> {
    this.#check();
    return [...this.#state.controls.values()].filter(({ id }) => id.startsWith(prefix))
      .sort((a, b) => compareUtf8(a.id, b.id)).map(jsonCopy);
  }

  /** See {@linkcode ServingStore.putControl}. */
  async putControl(id: string, body: unknown, expected: number): Promise<number> {
    this.#check();
    const found = this.#state.controls.get(id)?.version ?? 0;
    if (found !== expected) {
      throw new PipelineError(
        "conflict",
        `Control document ${JSON.stringify(id)} has version ${found}, not ${expected}`,
      );
    }
    const version = expected + 1;
    this.#state.controls.set(id, jsonCopy({ id, version, body }));
    return version;
  }

  /** See {@linkcode ServingStore.putControls}. */
  async putControls(documents: readonly ControlDocument[]): Promise<void> {
    this.#check();
    for (const document of documents) checkControl(document);
    for (const { id, version, body } of documents) {
      if (version <= (this.#state.controls.get(id)?.version ?? 0)) continue;
      this.#state.controls.set(id, jsonCopy({ id, version, body }));
    }
  }

  /** See {@linkcode ServingStore.removeControls}. */
  async removeControls(ids: readonly string[]): Promise<void> {
    this.#check();
    for (const id of ids) this.#state.controls.delete(id);
  }

  /** See {@linkcode ServingStore.close}. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #check(): void {
    if (this.#closed) throw stopped("store");
  }
}
