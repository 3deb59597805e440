import { assert, assertEquals, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { Buffer } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import { Random } from "../model/random.ts";
import { FrameSplitter } from "./frames.ts";

/** A skippable frame with `size` bytes. */
function skippable(size: number): Uint8Array {
  const frame = new Uint8Array(8 + size).fill(0xaa);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0x184d2a53, true);
  view.setUint32(4, size, true);
  return frame;
}

/** Frames of all kinds: with and without checksum, empty, incompressible, of one byte repeated. */
function frames(): Uint8Array[] {
  const random = new Random(1);
  const noise = Uint8Array.from({ length: 300_000 }, () => random.below(256));
  const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  return [
    zstdCompressSync(Buffer.from("hello\n".repeat(1_000))),
    zstdCompressSync(new Uint8Array(0)),
    zstdCompressSync(noise, checksum),
    zstdCompressSync(new Uint8Array(500_000).fill(7), checksum),
    zstdCompressSync(Buffer.from("x")),
  ].map((frame) => new Uint8Array(frame));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The frames found when the stream comes in chunks of this size. */
function split(stream: Uint8Array, size: number): { frames: Uint8Array[]; complete: boolean } {
  const splitter = new FrameSplitter();
  const found: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += size) {
    for (const { bytes, end } of splitter.push(stream.subarray(at, at + size))) {
      parts.push(bytes);
      if (!end) continue;
      found.push(concat(parts));
      parts = [];
    }
  }
  return { frames: found, complete: splitter.complete };
}

Deno.test("FrameSplitter finds the frames, whatever the chunks, and leaves out the skippable ones", () => {
  // The compressor may produce two frames for one text, the second one empty.
  const all = frames().flatMap((text) => split(text, text.length).frames);
  assertEquals(concat(all).length, concat(frames()).length);
  assert(all.length >= 5);
  const stream = concat([skippable(5), ...all.flatMap((frame) => [frame, skippable(0)])]);
  for (const size of [1, 2, 3, 7, 4_096, 131_072, stream.length]) {
    const { frames: found, complete } = split(stream, size);
    assertEquals(found.length, all.length);
    assert(found.every((frame, i) => Buffer.from(frame).equals(all[i]!)), `chunks of ${size}`);
    assert(complete);
  }
});

Deno.test("FrameSplitter knows at every byte whether the stream may end there", () => {
  const [first, , , , last] = frames();
  const stream = concat([first!, skippable(3), last!]);
  const ends = new Set([0, first!.length, first!.length + 11, stream.length]);
  for (let length = 0; length <= stream.length; length++) {
    assertEquals(split(stream.subarray(0, length), 64).complete, ends.has(length), `${length}`);
  }
});

Deno.test("FrameSplitter refuses other data than zstd after a frame", () => {
  const stream = concat([frames()[0]!, Buffer.from("garbage")]);
  assertThrows(() => split(stream, 64), PipelineError, "other than a zstd frame");
});
