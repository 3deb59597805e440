import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { decodeFetch } from "./_fetch_answer.ts";

/** An answer of version 11 in which partition 3 has an aborted transaction and some bytes. */
function answer(code: number, batches: number[]): Uint8Array {
  const bytes = new Uint8Array(200);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const int16 = (value: number) => view.setInt16((at += 2) - 2, value);
  const int32 = (value: number) => view.setInt32((at += 4) - 4, value);
  const int64 = (value: bigint) => view.setBigInt64((at += 8) - 8, value);
  // Throttled for 5 ms; no error and no session; one topic, "ab", with one partition.
  int32(5), int16(0), int32(0), int32(1), int16(2);
  for (const letter of "ab") bytes[at++] = letter.charCodeAt(0);
  int32(1), int32(3), int16(code);
  // High watermark, last stable offset, log start offset; one aborted transaction; no preferred
  // replica.
  int64(90n), int64(80n), int64(7n), int32(1), int64(1_000n), int64(42n), int32(-1);
  int32(batches.length);
  for (const byte of batches) bytes[at++] = byte;
  return bytes.subarray(0, at);
}

const createError = (code: number) => new Error(`code ${code}`);
const options = { apiVersion: 11, createError };

Deno.test("decodeFetch() gives each partition with its own bytes, and none of Node's kind", () => {
  const given = Buffer.from(answer(0, [1, 2, 3]));
  assertEquals(decodeFetch(given, options), {
    clientSideThrottleTime: 5,
    partitions: [{
      topic: "ab",
      partition: 3,
      error: undefined,
      end: 80,
      aborted: [{ producer: 1_000n, firstOffset: 42 }],
      batches: Uint8Array.of(1, 2, 3),
    }],
  });
});

Deno.test("decodeFetch() leaves an error with its partition, and throws that of the whole answer", () => {
  const [partition] = decodeFetch(answer(6, []), options).partitions;
  assertEquals(partition?.error?.message, "code 6");
  const failed = answer(0, []);
  new DataView(failed.buffer).setInt16(4, 70);
  assertThrows(() => decodeFetch(failed, options), Error, "code 70");
});
