/**
 * The master dataset on HDFS, over WebHDFS. Answers are not trusted if a second call can verify
 * them: lengths are compared after every transfer, and a `false` is investigated.
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
import { type Logger, withTimeout } from "@pipeline/runtime";
import { pathParts, stopped } from "../contract/rules.ts";
import { type HdfsConfig, hdfsConfig, type HdfsInput } from "./config.ts";
import { type Operation, WebHdfs } from "./webhdfs.ts";

/** Options of the adapter besides its configuration. */
export interface HdfsOptions {
  /** Logs changes of NameNodes and DataNodes. */
  readonly logger?: Logger;
}

/** Number of times that an interrupted download is resumed. */
const RESUMES = 5;

/** A file or folder as WebHDFS describes it ("FileStatus" in its documentation). */
interface RemoteStatus {
  readonly pathSuffix: string;
  readonly type: "FILE" | "DIRECTORY" | "SYMLINK";
  readonly length: number;
  readonly modificationTime: number;
}

/** The DataNodes of each block of a file ("GETFILEBLOCKLOCATIONS"). */
interface BlockLocations {
  readonly BlockLocations?: { readonly BlockLocation: readonly { readonly names: string[] }[] };
}

/**
 * Opens the dataset on HDFS. Connects on first use.
 *
 * @param config in the form of {@linkcode hdfsConfig}, with or without defaults filled in.
 * @throws {PipelineError} `invalid` if a file of authorities cannot be read.
 */
export function openHdfs(config: HdfsInput | HdfsConfig, options: HdfsOptions = {}): HdfsDataset {
  return new HdfsDataset(hdfsConfig.parse(config), options);
}

/** The dataset on HDFS. Use {@linkcode openHdfs}. */
export class HdfsDataset implements MasterDataset {
  readonly #config: HdfsConfig;
  readonly #hdfs: WebHdfs;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  /** Takes a complete configuration. */
  constructor(config: HdfsConfig, options: HdfsOptions = {}) {
    this.#config = config;
    this.#hdfs = new WebHdfs(config, options.logger);
  }

  /** See {@linkcode MasterDataset.write}. */
  write(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    return this.#track(async () => {
      const parts = this.#parts(path);
      const { replication } = this.#config;
      const counted = new Counted(content);
      await this.#hdfs.upload({
        method: "PUT",
        op: "CREATE",
        parts,
        query: {
          overwrite: "false",
          ...(replication === undefined ? {} : { replication: String(replication) }),
        },
        what: `Writing ${path}`,
      }, counted.body).catch((error) => {
        throw counted.failure ?? error;
      });
      const length = (await this.#status(parts, `Checking ${path}`))?.length;
      if (length === counted.length) return length;
      throw new PipelineError(
        "unavailable",
        `${path}: ${length ?? "none"} of ${counted.length} bytes arrived`,
      );
    });
  }

  /** See {@linkcode MasterDataset.read}. */
  async *read(path: string): AsyncGenerator<Uint8Array> {
    const parts = this.#parts(path);
    const status = await this.#status(parts, `Reading ${path}`);
    if (status?.type !== "FILE") throw missing(path);
    let at = 0;
    let resumes = 0;
    while (at < status.length) {
      const before = at;
      try {
        for await (const chunk of this.#chunks(parts, path, at)) {
          at += chunk.length;
          if (at > status.length) {
            throw new PipelineError("corrupt", `${path} is longer than ${status.length} bytes`);
          }
          yield chunk;
        }
      } catch (error) {
        if (!hasCode(error, "unavailable") || ++resumes > RESUMES) throw error;
        continue;
      }
      if (at === status.length) return;
      // The download ended early, without an error.
      if (at === before && ++resumes > RESUMES) {
        const lacking = status.length - at;
        throw new PipelineError("corrupt", `${path} ends ${lacking} bytes too early`);
      }
    }
  }

  /** See {@linkcode MasterDataset.status}. */
  status(path: string): Promise<FileStatus | undefined> {
    return this.#track(async () => {
      const parts = this.#parts(path);
      const found = await this.#status(parts, `Looking at ${path}`);
      return found && fileStatus(parts.at(-1) ?? "", found);
    });
  }

  /** See {@linkcode MasterDataset.copies}. */
  copies(path: string): Promise<number> {
    return this.#track(async () => {
      const parts = this.#parts(path);
      const what = `Counting copies of ${path}`;
      const answer = await this.#hdfs.ask({
        method: "GET",
        op: "GETFILEBLOCKLOCATIONS",
        parts,
        what,
      });
      const blocks = (answer as BlockLocations | null)?.BlockLocations?.BlockLocation;
      if (!Array.isArray(blocks)) throw strange(what);
      if (blocks.length > 0) return Math.min(...blocks.map(({ names }) => names.length));
      const status = await this.#status(parts, what);
      if (status?.type !== "FILE") throw missing(path);
      return 0;
    });
  }

  /** See {@linkcode MasterDataset.list}. */
  list(path: string): Promise<FileStatus[]> {
    return this.#track(async () => {
      const parts = this.#parts(path);
      const listed = await this.#listed(parts, path);
      if (listed.length === 1 && listed[0]!.pathSuffix === "") throw notAFolder(path);
      return listed.map((entry) => fileStatus(entry.pathSuffix, entry))
        .sort((a, b) => compareUtf8(a.name, b.name));
    });
  }

  /** See {@linkcode MasterDataset.mkdirs}. */
  mkdirs(path: string): Promise<void> {
    return this.#track(async () => {
      const parts = this.#parts(path);
      const what = `Making ${path}`;
      await this.#boolean({ method: "PUT", op: "MKDIRS", parts, what });
      const found = await this.#status(parts, what);
      if (found?.type === "FILE") throw notAFolder(path);
      if (found === undefined) throw new PipelineError("unavailable", `${what} had no effect`);
    });
  }

  /** See {@linkcode MasterDataset.rename}. */
  rename(from: string, to: string): Promise<void> {
    return this.#track(async () => {
      const source = this.#parts(from);
      const destination = this.#parts(to);
      const inside = source.every((part, i) => part === destination[i]);
      if (inside && source.length < destination.length) {
        throw new PipelineError("invalid", `Cannot rename ${from} into itself`);
      }
      // With options, a rename never overwrites, never moves into a folder, and explains a refusal.
      await this.#hdfs.ask({
        method: "PUT",
        op: "RENAME",
        parts: source,
        query: { destination: this.#whole(destination), renameoptions: "NONE" },
        what: `Renaming ${from} to ${to}`,
      }).catch((error) => {
        throw isOtherKind(error) ? taken(to) : error;
      });
    });
  }

  /** See {@linkcode MasterDataset.remove}. */
  remove(path: string): Promise<void> {
    return this.#track(async () => {
      const parts = this.#parts(path);
      if (parts.length === 0) throw new PipelineError("invalid", "Cannot remove the root");
      const what = `Removing ${path}`;
      const query = { recursive: "true" };
      if (await this.#boolean({ method: "DELETE", op: "DELETE", parts, query, what })) return;
      if (await this.#status(parts, what) === undefined) return;
      throw new PipelineError("unavailable", `${what} had no effect`);
    });
  }

  /** See {@linkcode MasterDataset.close}. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    this.#hdfs.close();
  }

  /** The components of a path. */
  #parts(path: string): string[] {
    if (this.#closed) throw stopped("dataset");
    return pathParts(path);
  }

  /** The absolute path in HDFS, including the root. */
  #whole(parts: readonly string[]): string {
    const { root } = this.#config;
    return `${root === "/" ? "" : root}/${parts.join("/")}`;
  }

  /** Tracks work that `close` must wait for. */
  #track<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#underWay.add(running);
    running.catch(() => {}).finally(() => this.#underWay.delete(running));
    return running;
  }

  async #boolean(operation: Operation): Promise<boolean> {
    const answer = await this.#hdfs.ask(operation) as { readonly boolean?: unknown } | undefined;
    return answer?.boolean === true;
  }

  /** `undefined` only if a NameNode reports that it does not exist. */
  async #status(parts: readonly string[], what: string): Promise<RemoteStatus | undefined> {
    try {
      const answer = await this.#hdfs.ask({ method: "GET", op: "GETFILESTATUS", parts, what }) as
        | { readonly FileStatus?: RemoteStatus }
        | null
        | undefined;
      const status = answer?.FileStatus;
      if (typeof status?.type !== "string") throw strange(what);
      return status;
    } catch (error) {
      if (hasCode(error, "not_found") || isBelowFile(error)) return undefined;
      throw error;
    }
  }

  async #listed(parts: readonly string[], path: string): Promise<readonly RemoteStatus[]> {
    try {
      const what = `Listing ${path}`;
      const answer = await this.#hdfs.ask({ method: "GET", op: "LISTSTATUS", parts, what });
      const listed = (answer as {
        readonly FileStatuses?: { readonly FileStatus?: readonly RemoteStatus[] };
      } | null)?.FileStatuses?.FileStatus;
      if (!Array.isArray(listed)) throw strange(what);
      return listed;
    } catch (error) {
      if (hasCode(error, "not_found") || isBelowFile(error)) return [];
      throw error;
    }
  }

  /** Streams bytes from an offset on. */
  async *#chunks(parts: string[], path: string, offset: number): AsyncGenerator<Uint8Array> {
    const what = `Reading ${path}`;
    const stream = await this.#hdfs.download({
      method: "GET",
      op: "OPEN",
      parts,
      query: { offset: String(offset) },
      what,
    });
    const reader = stream.getReader();
    try {
      for (;;) {
        const { done, value } = await withTimeout(
          () => reader.read(),
          { ms: this.#config.idleTimeout, what },
        );
        if (done) return;
        if (this.#closed) throw stopped("dataset");
        if (value.length > 0) yield value;
      }
    } catch (cause) {
      if (cause instanceof PipelineError) throw cause;
      throw new PipelineError("unavailable", `${what} broke off`, { cause });
    } finally {
      // Not awaited: a hanging connection would hang here as well.
      reader.cancel().catch(() => {});
    }
  }
}

/** Content whose bytes are counted as they are sent. */
class Counted {
  readonly body: Uint8Array | ReadableStream<Uint8Array>;
  length = 0;
  /** The content's own error. */
  failure: unknown;

  constructor(content: Uint8Array | AsyncIterable<Uint8Array>) {
    if (content instanceof Uint8Array) {
      this.length = content.length;
      this.body = content;
    } else this.body = ReadableStream.from(this.#count(content));
  }

  async *#count(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of content) {
        this.length += chunk.length;
        if (chunk.length > 0) yield chunk;
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

function fileStatus(name: string, status: RemoteStatus): FileStatus {
  const { type, length, modificationTime } = status;
  return {
    name,
    type: type === "DIRECTORY" ? "directory" : "file",
    length: type === "DIRECTORY" ? 0 : length,
    modified: modificationTime,
  };
}

/** The path has a component that is a file: nothing exists below it. */
function isBelowFile(error: unknown): boolean {
  return hasCode(error, "invalid") && /ParentNotDirectory|not a directory/i.test(error.message);
}

/** The path exists as a folder instead of a file, or the reverse; Hadoop has no name for it. */
function isOtherKind(error: unknown): boolean {
  return hasCode(error, "unavailable") && error.message.includes("must both be directories");
}

function taken(path: string): PipelineError {
  return new PipelineError("exists", `${path} exists`);
}

/** An answer of another form, perhaps from a proxy. It proves nothing. */
function strange(what: string): PipelineError {
  return new PipelineError("unavailable", `${what}: the answer is not one of WebHDFS`);
}

function missing(path: string): PipelineError {
  return new PipelineError("not_found", `${path} is no file`);
}

function notAFolder(path: string): PipelineError {
  return new PipelineError("invalid", `${path} is a file, not a folder`);
}
