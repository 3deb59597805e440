/**
 * Archive files as a stream of the bytes they hold: zstd with windows of up to 2 GiB,
 * in any number of frames, or plain. What a file is, its first bytes say.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { constants, createZstdDecompress } from "node:zlib";
import { FRAME_MAGIC, type FramePiece, FrameSplitter, isSkippable } from "./frames.ts";

/** Largest window, as a power of two: what `zstd --long=31` makes. */
const WINDOW_LOG_MAX = 31;

const CHUNK = 1 << 20;

/** Compressions that occur in old archives, by their first bytes. */
const FOREIGN: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58]],
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
];

/** Options of {@linkcode openArchive}. */
export interface OpenOptions {
  /** Called with the bytes of the file that have been read so far. */
  readonly onRead?: (bytes: number) => void;
}

/**
 * Size of an archive file in bytes.
 *
 * @throws {PipelineError} `not_found`, or `invalid` for what is no file.
 */
export async function archiveSize(path: string): Promise<number> {
  let status;
  try {
    status = await stat(path);
  } catch (cause) {
    throw new PipelineError("not_found", `The archive ${path} cannot be read`, { cause });
  }
  if (!status.isFile()) throw new PipelineError("invalid", `${path} is no file`);
  return status.size;
}

/**
 * The uncompressed bytes of an archive file. Memory does not grow with the file; but
 * zstd itself keeps the window that the file was written with, 2 GiB at most.
 *
 * @throws {PipelineError} `not_found`; `invalid` for a compression other than zstd; `corrupt` for a
 * file that is damaged or ends too early. All name the file.
 */
export async function* openArchive(
  path: string,
  options: OpenOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  await archiveSize(path);
  const chunks = readFile(path, options);
  const first = await chunks.next();
  if (first.done === true) return;
  const head = first.value;
  for (const [name, magic] of FOREIGN) {
    if (magic.every((byte, i) => head[i] === byte)) {
      await chunks.return();
      throw new PipelineError(
        "invalid",
        `${path} is compressed with ${name}: only zstd and plain text can be read`,
      );
    }
  }
  const all = prepend(head, chunks);
  if (!isZstd(head)) return yield* all;
  try {
    yield* decompress(all);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PipelineError("corrupt", `The archive ${path} cannot be read to its end: ${reason}`, {
      cause,
    });
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
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

/** Decompresses frame after frame, each with a decoder of its own. */
async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = split(chunks);
  try {
    for (let first = await pieces.next(); first.done !== true; first = await pieces.next()) {
      const decoder = createZstdDecompress({
        params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
        chunkSize: 1 << 17,
      });
      // Errors of both streams come out of the loop below; the callback only takes them.
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
    throw new PipelineError("corrupt", "It ends in the middle: it is cut off");
  }
}
