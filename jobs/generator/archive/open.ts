/**
 * Archive files as a stream of their content: zstd with windows of up to 2 GiB, in any number of
 * frames, or plain. The first bytes of a file determine its format.
 *
 * @module
 */

import { hasCode, PipelineError } from "@pipeline/core";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { constants, createZstdDecompress } from "node:zlib";
import { FRAME_MAGIC, type FramePiece, FrameSplitter, isSkippable } from "./frames.ts";

/** Largest window, as a power of two, as made by `zstd --long=31`. */
const WINDOW_LOG_MAX = 31;

const CHUNK = 1 << 20;

/** Other compressions in old archives, by their first bytes. */
const FOREIGN: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58]],
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
];

/** Options of {@linkcode openArchive}. */
export interface OpenOptions {
  /** Called with the number of bytes of the file read so far. */
  readonly onRead?: (bytes: number) => void;
}

/**
 * An unusable file that the user named is invalid input.
 *
 * @param what the problem, to follow the file's name.
 */
function unreadable(path: string, what: string, cause: unknown): PipelineError {
  if (hasCode(cause, "invalid")) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PipelineError("invalid", `The archive ${path} ${what}: ${reason}`, { cause });
}

/**
 * Size of an archive file in bytes.
 *
 * @throws {PipelineError} `invalid` if the path is not a file, or cannot be opened.
 */
export async function archiveSize(path: string): Promise<number> {
  try {
    const status = await stat(path);
    // Checked before opening: opening a path that is not a file may block.
    if (!status.isFile()) throw new PipelineError("invalid", `${path} is no file`);
    await (await open(path, "r")).close();
    return status.size;
  } catch (cause) {
    throw unreadable(path, "cannot be read", cause);
  }
}

/**
 * The uncompressed bytes of an archive file. Memory does not grow with the file; but zstd itself
 * needs the window with which the file was written, 2 GiB at most.
 *
 * @throws {PipelineError} `invalid` if the path is not a file, for a compression other than zstd,
 * and for a file that cannot be read, is damaged or truncated. Each message names the file.
 */
export async function* openArchive(
  path: string,
  options: OpenOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  await archiveSize(path);
  const chunks = readFile(path, options);
  try {
    const first = await chunks.next();
    if (first.done === true) return;
    const head = first.value;
    refuseForeign(path, head);
    const all = prepend(head, chunks);
    yield* isZstd(head) ? decompress(all) : all;
  } catch (cause) {
    throw unreadable(path, "cannot be read to its end", cause);
  } finally {
    await chunks.return();
  }
}

function refuseForeign(path: string, head: Uint8Array): void {
  for (const [name, magic] of FOREIGN) {
    if (!magic.every((byte, i) => head[i] === byte)) continue;
    throw new PipelineError(
      "invalid",
      `${path} is compressed with ${name}: only zstd and plain text can be read`,
    );
  }
}

function isZstd(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  return magic === FRAME_MAGIC || isSkippable(magic);
}

async function* readFile(
  path: string,
  { onRead }: OpenOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
    bytes += chunk.length;
    yield chunk;
    onRead?.(bytes);
  }
}

async function* prepend(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

/** Decompresses frame after frame, each with its own decoder. */
async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = split(chunks);
  try {
    for (let first = await pieces.next(); first.done !== true; first = await pieces.next()) {
      const decoder = createZstdDecompress({
        params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
        chunkSize: 1 << 17,
      });
      // Errors of both streams surface in the loop below; the callback only consumes them.
      pipeline(Readable.from(frame(first.value, pieces)), decoder, () => {});
      for await (const chunk of decoder) yield chunk;
    }
  } finally {
    await pieces.return();
  }
}

async function* frame(
  first: FramePiece,
  pieces: AsyncGenerator<FramePiece, void, undefined>,
): AsyncGenerator<Uint8Array> {
  yield first.bytes;
  if (first.end) return;
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
    yield next.value.bytes;
    if (next.value.end) return;
  }
}

async function* split(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<FramePiece, void, undefined> {
  const splitter = new FrameSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  if (!splitter.complete) {
    throw new PipelineError("corrupt", "It ends in the middle: it is truncated");
  }
}
