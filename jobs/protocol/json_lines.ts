/**
 * Append-only files of JSON lines that survive kill -9 with, at most, a torn last line. A torn line
 * was never confirmed to anyone, so readers skip it.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

/** Appends lines durably. */
export interface Appender<T> {
  /** Appends lines in order. Resolves when they survive the end of this process. */
  append(lines: readonly T[]): Promise<void>;
  /** Waits for pending calls, then releases all resources. */
  close(): Promise<void>;
}

/** An {@linkcode Appender} on one file. */
export class JsonLinesFile<T> implements Appender<T> {
  readonly #file: FileHandle;
  #last: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens a file to continue it; creates it and its folder if missing. */
  static async open<T>(path: string): Promise<JsonLinesFile<T>> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a+");
    const { size } = await file.stat();
    const last = new Uint8Array(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    // A torn line is terminated, so that the next one starts on its own.
    if (size > 0 && last[0] !== 0x0a) await file.appendFile("\n");
    return new JsonLinesFile<T>(file);
  }

  /** Appends lines with one write. */
  append(lines: readonly T[]): Promise<void> {
    let text = "";
    for (const line of lines) text += `${JSON.stringify(line)}\n`;
    const write = this.#last.then(() => this.#file.appendFile(text));
    this.#last = write.catch(() => {});
    return write;
  }

  /** Waits for pending writes and for the disk. */
  async close(): Promise<void> {
    await this.#last;
    await this.#file.sync();
    await this.#file.close();
  }
}

/**
 * Reads a file of JSON lines from its start, even while it is written. Torn lines, at the end or
 * before a later opening, are skipped.
 *
 * @throws {PipelineError} `not_found` if there is no such file.
 */
export async function* readJsonLines(path: string): AsyncGenerator<unknown, void, undefined> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, "utf8")) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        let json: unknown;
        try {
          json = JSON.parse(line);
        } catch {
          continue;
        }
        yield json;
      }
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new PipelineError("not_found", `There is no file ${path}`, { cause });
  }
}
