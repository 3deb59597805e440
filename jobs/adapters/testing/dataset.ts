// deno-lint-ignore-file require-await -- Async so that errors reject and never throw.
/**
 * The master dataset in memory, with HDFS' rules, for tests and simulation.
 *
 * @module
 */

import { compareUtf8, type FileStatus, type MasterDataset, PipelineError } from "@pipeline/core";
import { pathParts, stopped } from "../contract/rules.ts";

interface MemoryFile {
  readonly type: "file";
  chunks: Uint8Array[];
  length: number;
  modified: number;
}

interface MemoryFolder {
  readonly type: "directory";
  readonly entries: Map<string, MemoryFile | MemoryFolder>;
  modified: number;
}

/** Options of the dataset. */
export interface MemoryDatasetOptions {
  /** Milliseconds since 1970, for `modified`. The machine's clock by default. */
  readonly clock?: () => number;
}

class DatasetState {
  readonly root: MemoryFolder = { type: "directory", entries: new Map(), modified: 0 };
  constructor(readonly clock: () => number) {}

  find(parts: readonly string[]): MemoryFile | MemoryFolder | undefined {
    let node: MemoryFile | MemoryFolder | undefined = this.root;
    for (const part of parts) {
      if (node?.type !== "directory") return undefined;
      node = node.entries.get(part);
    }
    return node;
  }

  /** The folder, created with its parents if missing. */
  folder(parts: readonly string[]): MemoryFolder {
    let folder = this.root;
    for (const [depth, part] of parts.entries()) {
      let next = folder.entries.get(part);
      if (next === undefined) {
        next = { type: "directory", entries: new Map(), modified: this.clock() };
        folder.entries.set(part, next);
      }
      if (next.type === "file") throw notAFolder(parts.slice(0, depth + 1));
      folder = next;
    }
    return folder;
  }
}

function show(parts: readonly string[]): string {
  return JSON.stringify(`/${parts.join("/")}`);
}

function notAFolder(parts: readonly string[]): PipelineError {
  return new PipelineError("invalid", `${show(parts)} is a file, not a folder`);
}

function taken(parts: readonly string[]): PipelineError {
  return new PipelineError("exists", `${show(parts)} exists`);
}

function missing(parts: readonly string[]): PipelineError {
  return new PipelineError("not_found", `There is no ${show(parts)}`);
}

/**
 * A dataset in memory. {@linkcode MemoryDataset.connect} returns more handles on the same state.
 */
export class MemoryDataset implements MasterDataset {
  #state: DatasetState;
  #closed = false;

  /** Creates an empty dataset. */
  constructor(options: MemoryDatasetOptions = {}) {
    this.#state = new DatasetState(options.clock ?? Date.now);
  }

  /** Another handle on the same files. */
  connect(): MemoryDataset {
    const handle = new MemoryDataset();
    handle.#state = this.#state;
    return handle;
  }

  /** See {@linkcode MasterDataset.write}. */
  async write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    const parts = this.#parts(path);
    const name = parts.at(-1);
    if (name === undefined) throw taken(parts);
    const folder = this.#state.folder(parts.slice(0, -1));
    if (folder.entries.has(name)) throw taken(parts);
    const file: MemoryFile = { type: "file", chunks: [], length: 0, modified: this.#state.clock() };
    folder.entries.set(name, file);
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      file.chunks.push(chunk.slice());
      file.length += chunk.length;
      file.modified = this.#state.clock();
    }
    return file.length;
  }

  /** See {@linkcode MasterDataset.read}. */
  async *read(path: string): AsyncGenerator<Uint8Array> {
    const parts = this.#parts(path);
    const file = this.#state.find(parts);
    if (file?.type !== "file") throw missing(parts);
    const { length } = file;
    let sent = 0;
    for (const chunk of [...file.chunks]) {
      if (this.#closed) throw stopped("dataset");
      sent += chunk.length;
      yield chunk.slice();
    }
    if (sent !== length) {
      throw new PipelineError("corrupt", `${show(parts)} has ${length} bytes, read ${sent}`);
    }
  }

  /** See {@linkcode MasterDataset.status}. */
  async status(path: string): Promise<FileStatus | undefined> {
    const parts = this.#parts(path);
    const node = this.#state.find(parts);
    return node === undefined ? undefined : fileStatus(parts.at(-1) ?? "", node);
  }

  /** See {@linkcode MasterDataset.copies}. */
  async copies(path: string): Promise<number> {
    const parts = this.#parts(path);
    if (this.#state.find(parts)?.type !== "file") throw missing(parts);
    return 1;
  }

  /** See {@linkcode MasterDataset.list}. */
  async list(path: string): Promise<FileStatus[]> {
    const parts = this.#parts(path);
    const node = this.#state.find(parts);
    if (node === undefined) return [];
    if (node.type === "file") throw notAFolder(parts);
    return [...node.entries].map(([name, entry]) => fileStatus(name, entry))
      .sort((a, b) => compareUtf8(a.name, b.name));
  }

  /** See {@linkcode MasterDataset.mkdirs}. */
  async mkdirs(path: string): Promise<void> {
    this.#state.folder(this.#parts(path));
  }

  /** See {@linkcode MasterDataset.rename}. */
  async rename(from: string, to: string): Promise<void> {
    const source = this.#parts(from);
    const destination = this.#parts(to);
    const node = this.#state.find(source);
    if (node === undefined) throw missing(source);
    if (this.#state.find(destination) !== undefined) throw taken(destination);
    const parent = this.#state.find(destination.slice(0, -1));
    if (parent === undefined) throw missing(destination.slice(0, -1));
    if (parent.type === "file") throw notAFolder(destination.slice(0, -1));
    if (source.every((part, i) => part === destination[i])) {
      throw new PipelineError("invalid", `Cannot rename ${show(source)} into itself`);
    }
    (this.#state.find(source.slice(0, -1)) as MemoryFolder).entries.delete(source.at(-1)!);
    parent.entries.set(destination.at(-1)!, node);
  }

  /** See {@linkcode MasterDataset.remove}. */
  async remove(path: string): Promise<void> {
    const parts = this.#parts(path);
    const name = parts.at(-1);
    if (name === undefined) throw new PipelineError("invalid", "Cannot remove the root");
    const parent = this.#state.find(parts.slice(0, -1));
    if (parent?.type === "directory") parent.entries.delete(name);
  }

  /** See {@linkcode MasterDataset.close}. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** Damages a file, for example by truncation, for tests. */
  damage(path: string, change: (content: Uint8Array) => Uint8Array): void {
    const parts = pathParts(path);
    const file = this.#state.find(parts);
    if (file?.type !== "file") throw missing(parts);
    const content = new Uint8Array(file.length);
    let at = 0;
    for (const chunk of file.chunks) {
      content.set(chunk, at);
      at += chunk.length;
    }
    file.chunks = [change(content)];
    file.length = file.chunks[0]!.length;
  }

  #parts(path: string): string[] {
    if (this.#closed) throw stopped("dataset");
    return pathParts(path);
  }
}

function fileStatus(name: string, node: MemoryFile | MemoryFolder): FileStatus {
  const length = node.type === "file" ? node.length : 0;
  return { name, type: node.type, length, modified: node.modified };
}
