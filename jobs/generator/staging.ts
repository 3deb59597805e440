/**
 * A load of history before its commit: files in the dataset's layout under `/staging/<load>/`, and
 * a manifest that is written last. Ingest's bootstrap renames the files into place and commits
 * them. A load without a manifest is incomplete, and is started over.
 *
 * @module
 */

import {
  type Entity,
  type MasterDataset,
  PipelineError,
  RecordLines,
  type Topic,
  topicOf,
  WINDOWS,
} from "@pipeline/core";
import { publishOnce, writeOwn } from "@pipeline/protocol";
import { createHash } from "node:crypto";

/** Folder of each topic in the dataset. */
export const FOLDERS: Readonly<Record<Topic, string>> = {
  "reddit.posts": "posts",
  "reddit.comments": "comments",
  "reddit.users": "users",
};

/** A file of a load. */
export interface StagedFile {
  /** Relative to the load's folder, e.g. `posts/year=2026/month=01/day=31/hour=07/data_x.json`. */
  readonly path: string;
  /** Number of lines. */
  readonly records: number;
  /** Length of the content. */
  readonly bytes: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
}

/** Records of a load by folder, and the bytes of all its files. */
export interface LoadTotals {
  /** Records in `posts/`. */
  readonly posts: number;
  /** Records in `comments/`. */
  readonly comments: number;
  /** Records in `users/`. */
  readonly users: number;
  /** Length of all files. */
  readonly bytes: number;
}

/** Content of `_manifest.json`. */
export interface LoadManifest {
  /** Name of the load, derived from its content. */
  readonly load: string;
  /** In the order of paths. */
  readonly files: readonly StagedFile[];
  /** Sums over the files. */
  readonly totals: LoadTotals;
  /** Event times covered, ISO 8601: first inclusive, last inclusive; absent for an empty load. */
  readonly from?: string;
  /** The last event time, inclusive. */
  readonly to?: string;
  /** Source of the load: the generator's parameters, or the archive's file. */
  readonly source: Readonly<Record<string, unknown>>;
  /** Rejected lines, stored in these files (archives only). */
  readonly rejected?: { readonly lines: number; readonly files: readonly string[] };
}

/** Limits on memory and concurrency of a load. */
export interface StagingLimits {
  /** A file is written at this number of bytes; 16 MiB by default. */
  readonly fileBytes?: number;
  /** Bytes held for files not yet written; 64 MiB by default. */
  readonly heldBytes?: number;
  /** Most concurrent writes of files; 16 by default. */
  readonly concurrency?: number;
}

interface Bucket {
  readonly folder: string;
  readonly hour: number;
  readonly lines: RecordLines;
  counted: number;
}

const HOUR = WINDOWS["1h"];

/** Cost of an hour before its first record, so that very many sparse hours count too. */
const BUCKET_BYTES = 2_048;

/** Folder of a load. */
export function stagingPath(load: string): string {
  return `/staging/${load}`;
}

/** The manifest of a staged load, if it is complete. */
export async function readManifest(
  dataset: MasterDataset,
  load: string,
): Promise<LoadManifest | undefined> {
  const path = `${stagingPath(load)}/_manifest.json`;
  if (await dataset.status(path) === undefined) return undefined;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for await (const chunk of dataset.read(path)) text += decoder.decode(chunk, { stream: true });
  try {
    return JSON.parse(text + decoder.decode()) as LoadManifest;
  } catch (cause) {
    throw new PipelineError("corrupt", `${path} is no manifest`, { cause });
  }
}

/**
 * Writes a load. Records may come in any order of time; an hour's buffer is written when it is
 * large, or when the total is too large and the hour is the least recently used. So an hour may
 * have several, numbered files.
 */
export class StagingWriter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #numbers = new Map<string, number>();
  readonly #files: StagedFile[] = [];
  readonly #writing = new Set<Promise<void>>();
  readonly #counts = { posts: 0, comments: 0, users: 0 };
  readonly #root: string;
  readonly #fileBytes: number;
  readonly #heldBytes: number;
  readonly #concurrency: number;
  #held = 0;
  #bytes = 0;
  #from = Infinity;
  #to = -Infinity;
  #failure: unknown;
  #last: Bucket | undefined;

  private constructor(
    readonly dataset: MasterDataset,
    readonly load: string,
    limits: StagingLimits,
  ) {
    this.#root = stagingPath(load);
    this.#fileBytes = limits.fileBytes ?? 16 * 2 ** 20;
    this.#heldBytes = limits.heldBytes ?? 64 * 2 ** 20;
    this.#concurrency = limits.concurrency ?? 16;
  }

  /** Starts a load, and removes the remains of an earlier, unfinished attempt. */
  static async open(
    dataset: MasterDataset,
    load: string,
    limits: StagingLimits = {},
  ): Promise<StagingWriter> {
    await dataset.remove(stagingPath(load));
    return new StagingWriter(dataset, load, limits);
  }

  /** Number of records added. */
  get records(): number {
    return this.#counts.posts + this.#counts.comments + this.#counts.users;
  }

  /**
   * Adds a record.
   *
   * @returns a promise to await before the next call, if files must be written first.
   */
  add(record: Entity): Promise<void> | undefined {
    const { timestamp } = record;
    const folder = FOLDERS[topicOf(record)] as "posts" | "comments" | "users";
    const bucket = this.#bucket(folder, timestamp - timestamp % HOUR);
    bucket.lines.add(record);
    this.#counts[folder]++;
    if (timestamp < this.#from) this.#from = timestamp;
    if (timestamp > this.#to) this.#to = timestamp;
    this.#held += bucket.lines.size - bucket.counted;
    bucket.counted = bucket.lines.size;
    if (bucket.counted >= this.#fileBytes) this.#flush(bucket);
    while (this.#held > this.#heldBytes) this.#flush(this.#buckets.values().next().value!);
    return this.#writing.size >= this.#concurrency ? this.#room() : undefined;
  }

  /** Writes the buffers of hours that end at `time` or before. */
  async flushBefore(time: number): Promise<void> {
    for (const bucket of [...this.#buckets.values()]) {
      if (bucket.hour + HOUR > time) continue;
      this.#flush(bucket);
      if (this.#writing.size >= this.#concurrency) await this.#room();
    }
  }

  /** Writes a file beside the data, such as `_rejected_000.json`. */
  async writeAside(name: string, content: Uint8Array): Promise<void> {
    await this.#put(name, content);
  }

  /** Writes the remaining buffers and, last, the manifest. */
  async finish(
    source: Readonly<Record<string, unknown>>,
    rejected?: LoadManifest["rejected"],
  ): Promise<LoadManifest> {
    await this.flushBefore(Infinity);
    await Promise.all(this.#writing);
    if (this.#failure !== undefined) throw this.#failure;
    const manifest: LoadManifest = {
      load: this.load,
      files: this.#files.sort((a, b) => a.path < b.path ? -1 : 1),
      totals: { ...this.#counts, bytes: this.#bytes },
      ...(this.records === 0 ? {} : {
        from: new Date(this.#from).toISOString(),
        to: new Date(this.#to).toISOString(),
      }),
      source,
      ...(rejected === undefined ? {} : { rejected }),
    };
    const text = new TextEncoder().encode(`${JSON.stringify(manifest)}\n`);
    // Written under another name first: a reader must find the whole manifest.
    await this.#put("_manifest.new", text);
    const [from, to] = [`${this.#root}/_manifest.new`, `${this.#root}/_manifest.json`];
    await publishOnce(
      this.dataset,
      from,
      to,
      async () => await this.dataset.status(from) === undefined,
    );
    return manifest;
  }

  #bucket(folder: string, hour: number): Bucket {
    // Neighbours in time arrive together, so the map is rarely used.
    if (this.#last?.hour === hour && this.#last.folder === folder) return this.#last;
    const key = `${folder} ${hour}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { folder, hour, lines: new RecordLines(), counted: 0 };
      this.#held += BUCKET_BYTES;
    } else {
      this.#buckets.delete(key);
    }
    this.#buckets.set(key, bucket);
    return this.#last = bucket;
  }

  #flush(bucket: Bucket): void {
    const key = `${bucket.folder} ${bucket.hour}`;
    this.#buckets.delete(key);
    if (this.#last === bucket) this.#last = undefined;
    this.#held -= bucket.counted + BUCKET_BYTES;
    const number = this.#numbers.get(key) ?? 0;
    this.#numbers.set(key, number + 1);
    const content = bucket.lines.bytes();
    const path = `${bucket.folder}/${hourPath(bucket.hour)}/data_${this.load}_${
      String(number).padStart(4, "0")
    }.json`;
    this.#bytes += content.length;
    const write = this.#write(path, content, bucket.lines.records)
      .catch((error) => void (this.#failure ??= error))
      .finally(() => this.#writing.delete(write));
    this.#writing.add(write);
  }

  async #write(path: string, content: Uint8Array, records: number): Promise<void> {
    const sha256 = createHash("sha256").update(content).digest("hex");
    await this.#put(path, content);
    this.#files.push({ path, records, bytes: content.length, sha256 });
  }

  #put(path: string, content: Uint8Array): Promise<void> {
    return writeOwn(this.dataset, `${this.#root}/${path}`, content);
  }

  async #room(): Promise<void> {
    while (this.#writing.size >= this.#concurrency) await Promise.race(this.#writing);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** `year=YYYY/month=MM/day=DD/hour=HH`, UTC. */
export function hourPath(time: number): string {
  const [year, month, day, hour] = new Date(time).toISOString().split(/[-T:]/);
  return `year=${year}/month=${month}/day=${day}/hour=${hour}`;
}
