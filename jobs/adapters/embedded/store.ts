/**
 * The serving store on SQLite. Several connections may use one folder at once: other threads, other
 * processes. A write is visible to all of them at once.
 *
 * @module
 */

import type {
  ControlDocument,
  ServingStore,
  StoredDocument,
  ViewName,
  ViewPage,
  ViewQuery,
  Watermark,
  WatermarkOutcome,
} from "@pipeline/core";
import { hasCode, PipelineError } from "@pipeline/core";
import {
  checkControl,
  checkDocument,
  checkGeneration,
  checkQuery,
  checkWatermark,
  stopped,
} from "../contract/rules.ts";
import { createGenerationFile, GenerationFile } from "./generation_file.ts";
import { Breather, type Durability, nextTurn, sqliteError } from "./io.ts";
import { Registry } from "./registry.ts";
import { byPage } from "./schema.ts";
import type { StoreMode } from "./sqlite.ts";

/** Documents per transaction: a few milliseconds, for which other writers wait. */
const CHUNK = 500;

/** Documents that are sorted first, so that a transaction touches few pages. */
const SORTED = 10_000;

/** How the store is opened. */
export interface EmbeddedStoreOptions {
  /** `process` by default. */
  readonly durability?: Durability | undefined;
  /** Opens it beside the processes that write it. */
  readonly readOnly?: boolean | undefined;
  /** Removes files that belong to no generation: only for the owner of the folder. */
  readonly sweep?: boolean | undefined;
}

interface OpenFile {
  readonly incarnation: number;
  readonly file: GenerationFile;
}

/** The store in a folder. */
export class EmbeddedStore implements ServingStore {
  readonly #folder: string;
  readonly #mode: StoreMode;
  readonly #registry: Registry;
  readonly #files = new Map<number, OpenFile>();
  readonly #breather = new Breather();
  #closed = false;

  /** Opens the folder, and creates it if missing. */
  constructor(folder: string, options: EmbeddedStoreOptions = {}) {
    this.#folder = folder;
    this.#mode = {
      durability: options.durability ?? "process",
      readOnly: options.readOnly === true,
    };
    try {
      if (!this.#mode.readOnly) Deno.mkdirSync(folder, { recursive: true });
      this.#registry = new Registry(`${folder}/registry.db`, this.#mode);
      if (options.sweep) this.#sweep();
    } catch (error) {
      const { message } = sqliteError(error, `Cannot open store ${folder}`);
      throw new PipelineError("invalid", message, { cause: error });
    }
  }

  /** See {@linkcode ServingStore.createGeneration}. */
  createGeneration(generation: number): Promise<void> {
    return this.#do(`create generation ${generation}`, () => {
      checkGeneration(generation);
      this.#registry.add(generation, (incarnation) => {
        const path = this.#path(generation, incarnation);
        // A crash may have left a file under the name of an unregistered incarnation.
        this.#remove(path);
        createGenerationFile(path, this.#mode);
      });
    });
  }

  /** See {@linkcode ServingStore.write}. */
  async write(
    generation: number,
    view: ViewName,
    documents: readonly StoredDocument[],
  ): Promise<void> {
    const what = `write ${view} of generation ${generation}`;
    await this.#do(what, () => {
      this.#file(generation);
      for (const document of documents) checkDocument(view, document);
    });
    for (let from = 0; from < documents.length; from += SORTED) {
      const sorted = documents.slice(from, from + SORTED).sort(byPage);
      for (let at = 0; at < sorted.length; at += CHUNK) {
        if (from + at > 0) await nextTurn();
        const chunk = sorted.slice(at, at + CHUNK);
        await this.#do(what, () => this.#file(generation).write(view, chunk));
      }
    }
  }

  /**
   * See {@linkcode ServingStore.putWatermarks}. They lie in the file of the documents, and follow
   * them in its write-ahead log.
   */
  putWatermarks(generation: number, watermarks: readonly Watermark[]): Promise<WatermarkOutcome> {
    return this.#do(`write watermarks of generation ${generation}`, () => {
      for (const watermark of watermarks) checkWatermark(watermark);
      return this.#file(generation).putWatermarks(watermarks) ? "stored" : "absent";
    });
  }

  /** See {@linkcode ServingStore.watermarks}. */
  watermarks(generation: number): Promise<readonly Watermark[] | undefined> {
    return this.#do(`read watermarks of generation ${generation}`, () => {
      try {
        return this.#file(generation).watermarks();
      } catch (error) {
        if (hasCode(error, "not_found")) return undefined;
        throw error;
      }
    });
  }

  /** See {@linkcode ServingStore.refresh}: every write is visible as soon as it ends. */
  refresh(generation: number): Promise<void> {
    return this.#do(`refresh generation ${generation}`, () => void this.#file(generation));
  }

  /** See {@linkcode ServingStore.seal}. */
  seal(generation: number): Promise<void> {
    return this.#do(`seal generation ${generation}`, () => void this.#file(generation));
  }

  /** See {@linkcode ServingStore.get}. */
  async get(
    generation: number,
    view: ViewName,
    ids: readonly string[],
  ): Promise<(StoredDocument | undefined)[]> {
    const found: (StoredDocument | undefined)[] = [];
    const what = `get from ${view} of generation ${generation}`;
    for (let at = 0; at === 0 || at < ids.length; at += CHUNK) {
      await this.#do(what, () => {
        const file = this.#file(generation);
        for (const id of ids.slice(at, at + CHUNK)) found.push(file.get(view, id));
      });
    }
    return found;
  }

  /** See {@linkcode ServingStore.search}. */
  search(generation: number, view: ViewName, query: ViewQuery): Promise<ViewPage> {
    return this.#do(`search ${view} of generation ${generation}`, () => {
      checkQuery(query);
      return this.#file(generation).search(view, query);
    });
  }

  /** See {@linkcode ServingStore.count}. */
  count(generation: number, view: ViewName): Promise<number> {
    return this.#do("count", () => this.#file(generation).count(view));
  }

  /** See {@linkcode ServingStore.current}. */
  current(): Promise<number | undefined> {
    return this.#do("read the aliases", () => this.#registry.current());
  }

  /** See {@linkcode ServingStore.switchTo}. */
  switchTo(generation: number, from: number | undefined): Promise<void> {
    return this.#do(
      `switch to generation ${generation}`,
      () => this.#registry.switchTo(generation, from),
    );
  }

  /** See {@linkcode ServingStore.generations}. */
  generations(): Promise<number[]> {
    return this.#do(
      "list generations",
      () => this.#registry.generations().map(({ generation }) => generation),
    );
  }

  /** See {@linkcode ServingStore.dropGeneration}. */
  dropGeneration(generation: number): Promise<void> {
    return this.#do(`drop generation ${generation}`, () => {
      const incarnation = this.#registry.drop(generation);
      this.#forget(generation);
      if (incarnation !== undefined) this.#remove(this.#path(generation, incarnation));
    });
  }

  /** See {@linkcode ServingStore.control}. */
  control(id: string): Promise<ControlDocument | undefined> {
    return this.#do(`read control ${id}`, () => this.#registry.control(id));
  }

  /** See {@linkcode ServingStore.controls}. */
  controls(prefix: string): Promise<ControlDocument[]> {
    return this.#do(`read controls ${prefix}`, () => this.#registry.controls(prefix));
  }

  /** See {@linkcode ServingStore.putControl}. */
  putControl(id: string, body: unknown, expected: number): Promise<number> {
    return this.#do(
      `write control ${id}`,
      () => this.#registry.putControl(id, body, expected),
    );
  }

  /** See {@linkcode ServingStore.putControls}. */
  putControls(documents: readonly ControlDocument[]): Promise<void> {
    return this.#do("write controls", () => {
      for (const document of documents) checkControl(document);
      this.#registry.putControls(documents);
    });
  }

  /** See {@linkcode ServingStore.removeControls}. */
  removeControls(ids: readonly string[]): Promise<void> {
    return this.#do("remove controls", () => this.#registry.removeControls(ids));
  }

  /** See {@linkcode ServingStore.close}. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { file } of this.#files.values()) file.close();
    this.#files.clear();
    this.#registry.close();
  }

  /** Runs one short piece of synchronous work. */
  async #do<T>(what: string, work: () => T): Promise<T> {
    await this.#breather.breathe();
    if (this.#closed) throw stopped("store");
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, `Cannot ${what}`);
    }
  }

  /** The generation's current file: another connection may have dropped the generation. */
  #file(generation: number): GenerationFile {
    const open = this.#files.get(generation);
    let incarnation: number;
    try {
      incarnation = this.#registry.incarnation(generation);
    } catch (error) {
      this.#forget(generation);
      throw error;
    }
    if (open?.incarnation === incarnation) return open.file;
    this.#forget(generation);
    const file = new GenerationFile(this.#path(generation, incarnation), this.#mode);
    this.#files.set(generation, { incarnation, file });
    return file;
  }

  #forget(generation: number): void {
    this.#files.get(generation)?.file.close();
    this.#files.delete(generation);
  }

  #path(generation: number, incarnation: number): string {
    return `${this.#folder}/generation-${String(generation).padStart(6, "0")}-${incarnation}.db`;
  }

  #remove(path: string): void {
    for (const suffix of ["", "-wal", "-shm"]) {
      try {
        Deno.removeSync(path + suffix);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }

  /** Removes files that a crash left between creating and registering a file, or the reverse. */
  #sweep(): void {
    const kept = new Set(
      this.#registry.generations().map((g) => this.#path(g.generation, g.incarnation)),
    );
    for (const { name } of Deno.readDirSync(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      if (/^generation-\d+-\d+\.db$/.test(name) && !kept.has(path)) this.#remove(path);
    }
  }
}
