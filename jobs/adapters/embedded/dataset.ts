/**
 * The master dataset as a folder of the file system, with HDFS' rules.
 *
 * Nothing outside of the folder can be reached: paths have no `..`, and symbolic links are refused,
 * not followed. A rename of a file is a hard link and an unlink, since `rename(2)` would replace
 * the destination; after a crash between the two the file has both names, as with a crash just
 * before the rename.
 *
 * @module
 */

import {
  compareUtf8,
  type FileStatus,
  hasCode,
  type MasterDataset,
  PipelineError,
} from "@pipeline/core";
import { pathParts, stopped } from "../contract/rules.ts";
import { type Durability, fileError, syncFolder } from "./io.ts";

const CHUNK_BYTES = 1 << 20;

/** How the dataset is opened. */
export interface EmbeddedDatasetOptions {
  /** `process` by default. */
  readonly durability?: Durability | undefined;
  /** Refuses all changes. */
  readonly readOnly?: boolean | undefined;
}

/** A folder as the master dataset. */
export class EmbeddedDataset implements MasterDataset {
  readonly #root: string;
  readonly #durable: boolean;
  readonly #readOnly: boolean;
  #closed = false;

  /** Opens the folder `root`, and creates it if it is missing and writable. */
  constructor(root: string, options: EmbeddedDatasetOptions = {}) {
    this.#durable = options.durability === "machine";
    this.#readOnly = options.readOnly === true;
    try {
      if (!this.#readOnly) Deno.mkdirSync(root, { recursive: true });
      this.#root = Deno.realPathSync(root);
    } catch (error) {
      throw fileError(error, `Cannot open dataset ${root}`);
    }
  }

  /** See {@linkcode MasterDataset.write}. */
  async write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    const parts = this.#change(path);
    if (this.#find(parts) !== undefined) throw taken(path);
    try {
      const parent = await this.#makeFolder(parts.slice(0, -1));
      using file = await Deno.open(this.#path(parts), { write: true, createNew: true });
      let length = 0;
      for await (const chunk of content instanceof Uint8Array ? [content] : content) {
        for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
        length += chunk.length;
      }
      if (this.#durable) {
        await file.sync();
        await syncFolder(parent);
      }
      return length;
    } catch (error) {
      throw fileError(error, `Cannot write ${path}`);
    }
  }

  /** See {@linkcode MasterDataset.read}. */
  async *read(path: string): AsyncGenerator<Uint8Array> {
    const parts = this.#parts(path);
    if (this.#find(parts)?.isFile !== true) throw missing(path);
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#path(parts), { read: true });
    } catch (error) {
      throw fileError(error, `Cannot read ${path}`);
    }
    using _ = file;
    let left = 0;
    try {
      left = (await file.stat()).size;
      while (left > 0) {
        const buffer = new Uint8Array(Math.min(left, CHUNK_BYTES));
        const read = await file.read(buffer);
        if (read === null) break;
        left -= read;
        yield buffer.subarray(0, read);
        if (this.#closed) throw stopped("dataset");
      }
    } catch (error) {
      throw fileError(error, `Cannot read ${path}`);
    }
    if (left > 0) throw new PipelineError("corrupt", `${path} ends ${left} bytes too early`);
  }

  /** See {@linkcode MasterDataset.status}. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async status(path: string): Promise<FileStatus | undefined> {
    const parts = this.#parts(path);
    const info = this.#find(parts);
    return info && fileStatus(parts.at(-1) ?? "", info);
  }

  /** See {@linkcode MasterDataset.copies}. */
  // deno-lint-ignore require-await -- Async so that errors reject and never throw.
  async copies(path: string): Promise<number> {
    if (this.#find(this.#parts(path))?.isFile !== true) throw missing(path);
    return 1;
  }

  /** See {@linkcode MasterDataset.list}. */
  async list(path: string): Promise<FileStatus[]> {
    const parts = this.#parts(path);
    const info = this.#find(parts);
    if (info === undefined) return [];
    if (!info.isDirectory) throw notAFolder(path);
    const entries: FileStatus[] = [];
    try {
      for await (const { name } of Deno.readDir(this.#path(parts))) {
        // An entry may have vanished since the folder was read.
        const entry = this.#find([...parts, name]);
        if (entry !== undefined) entries.push(fileStatus(name, entry));
      }
    } catch (error) {
      const failure = fileError(error, `Cannot list ${path}`);
      if (hasCode(failure, "not_found")) return [];
      throw failure;
    }
    return entries.sort((a, b) => compareUtf8(a.name, b.name));
  }

  /** See {@linkcode MasterDataset.mkdirs}. */
  async mkdirs(path: string): Promise<void> {
    const parts = this.#change(path);
    if (this.#find(parts)?.isFile) throw notAFolder(path);
    try {
      await this.#makeFolder(parts);
    } catch (error) {
      throw fileError(error, `Cannot make ${path}`);
    }
  }

  /** See {@linkcode MasterDataset.rename}. */
  async rename(from: string, to: string): Promise<void> {
    const source = this.#change(from);
    const destination = this.#change(to);
    // No await up to the effect: renames within one process are serialised.
    const info = this.#find(source);
    if (info === undefined) throw missing(from);
    if (this.#find(destination) !== undefined) throw taken(to);
    const parent = this.#find(destination.slice(0, -1));
    if (parent === undefined) throw missing(`The parent of ${to}`);
    if (!parent.isDirectory) throw notAFolder(`The parent of ${to}`);
    if (source.every((part, i) => part === destination[i])) {
      throw new PipelineError("invalid", `Cannot rename ${from} into itself`);
    }
    try {
      if (info.isDirectory) Deno.renameSync(this.#path(source), this.#path(destination));
      else moveFile(this.#path(source), this.#path(destination));
      if (!this.#durable) return;
      await syncFolder(this.#path(destination.slice(0, -1)));
      await syncFolder(this.#path(source.slice(0, -1)));
    } catch (error) {
      throw fileError(error, `Cannot rename ${from} to ${to}`);
    }
  }

  /** See {@linkcode MasterDataset.remove}. */
  async remove(path: string): Promise<void> {
    const parts = this.#change(path);
    if (parts.length === 0) throw new PipelineError("invalid", "Cannot remove the root");
    if (this.#find(parts) === undefined) return;
    try {
      await Deno.remove(this.#path(parts), { recursive: true });
      if (this.#durable) await syncFolder(this.#path(parts.slice(0, -1)));
    } catch (error) {
      const failure = fileError(error, `Cannot remove ${path}`);
      if (!hasCode(failure, "not_found")) throw failure;
    }
  }

  /** See {@linkcode MasterDataset.close}. */
  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #parts(path: string): string[] {
    if (this.#closed) throw stopped("dataset");
    return pathParts(path);
  }

  #change(path: string): string[] {
    const parts = this.#parts(path);
    if (!this.#readOnly) return parts;
    throw new PipelineError("invalid", `Cannot change ${path}: opened for reading only`);
  }

  #path(parts: readonly string[]): string {
    return [this.#root, ...parts].join("/");
  }

  /**
   * The file or folder at a path, or `undefined`; a symbolic link anywhere on the way is refused.
   */
  #find(parts: readonly string[]): Deno.FileInfo | undefined {
    let path = this.#root;
    let info = lstat(path);
    for (const part of parts) {
      path += `/${part}`;
      info = lstat(path);
      if (info?.isSymlink) {
        throw new PipelineError("invalid", `${path} is a symbolic link; the dataset follows none`);
      }
      if (info === undefined) return undefined;
    }
    return info;
  }

  /** Creates a folder and its parents, and returns its path in the file system. */
  async #makeFolder(parts: readonly string[]): Promise<string> {
    let path = this.#root;
    for (const [depth, part] of parts.entries()) {
      const parent = path;
      path += `/${part}`;
      const info = this.#find(parts.slice(0, depth + 1));
      if (info?.isFile) throw notAFolder(`/${parts.slice(0, depth + 1).join("/")}`);
      if (info !== undefined) continue;
      // Recursive only so that a concurrent creation is no error.
      Deno.mkdirSync(path, { recursive: true });
      if (this.#durable) await syncFolder(parent);
    }
    return path;
  }
}

/** Metadata of a path, without following links; `undefined` below a file. */
function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw fileError(error, `Cannot inspect ${path}`);
  }
}

/** Renames a file to a name that must be free. */
function moveFile(from: string, to: string): void {
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error;
    // A file system without hard links: the name was free a moment ago, and the folder's lock
    // excludes other processes.
    Deno.renameSync(from, to);
    return;
  }
  Deno.removeSync(from);
}

function fileStatus(name: string, info: Deno.FileInfo): FileStatus {
  return {
    name,
    type: info.isDirectory ? "directory" : "file",
    length: info.isDirectory ? 0 : info.size,
    modified: info.mtime?.getTime() ?? 0,
  };
}

function missing(path: string): PipelineError {
  return new PipelineError("not_found", `${path} does not exist`);
}

function taken(path: string): PipelineError {
  return new PipelineError("exists", `${path} exists`);
}

function notAFolder(path: string): PipelineError {
  return new PipelineError("invalid", `${path} is a file, not a folder`);
}
