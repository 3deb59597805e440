import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { readLines } from "./lines.ts";

async function* chunks(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function lines(content: string | Uint8Array, size: number, max?: number) {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const found: [number, string][] = [];
  for await (const group of readLines(chunks(bytes, size), max)) {
    for (const { number, content } of group) {
      found.push([number, typeof content === "string" ? content : content.reason]);
    }
  }
  return found;
}

Deno.test("readLines() numbers lines and leaves out empty ones, whatever the chunks", async () => {
  const text = 'first\n\n{"text":"zwölf 🙂"}\r\n\r\n\nlast, without an end';
  for (let size = 1; size <= text.length + 5; size++) {
    assertEquals(await lines(text, size), [
      [1, "first"],
      [3, '{"text":"zwölf 🙂"}\r'],
      [6, "last, without an end"],
    ]);
  }
});

Deno.test("readLines() leaves out the byte order mark that begins a line, as joined files have it", async () => {
  const text = "\ufeffone\n\ufefftwo\r\nthree \ufeff\n\ufeff\ufefffour";
  for (const size of [1, 4, 100]) {
    assertEquals(await lines(text, size), [
      [1, "one"],
      [2, "two\r"],
      [3, "three \ufeff"],
      [4, "four"],
    ]);
  }
  const bytes = Buffer.concat([Buffer.from([0xff]), Buffer.from("\n\ufefftwo")]);
  assertEquals(await lines(bytes, 100), [[1, "The line is not UTF-8"], [2, "two"]]);
});

Deno.test("readLines() leaves out lines that hold nothing but white space or a byte order mark", async () => {
  const text = "\ufeff\n  \t\r\n\n\ufeff \r\n";
  for (const size of [1, 100]) assertEquals(await lines(text, size), []);
  for (const size of [1, 100]) assertEquals(await lines(`${text} x`, size), [[5, " x"]]);
});

Deno.test("readLines() finds the line that is no UTF-8, and keeps its neighbours", async () => {
  const bytes = Buffer.concat([Buffer.from("a\nb"), Buffer.from([0xff]), Buffer.from("\nc\n")]);
  for (const size of [1, 2, 3, 100]) {
    assertEquals(await lines(bytes, size), [[1, "a"], [2, "The line is not UTF-8"], [3, "c"]]);
  }
});

Deno.test("readLines() passes over lines that are too long, without keeping them", async () => {
  const text = `ok\n${"x".repeat(1_000)}\nok again\n${"y".repeat(500)}`;
  for (const size of [1, 7, 64]) {
    assertEquals(await lines(text, size, 100), [
      [1, "ok"],
      [2, "The line is longer than 100 bytes"],
      [3, "ok again"],
      [4, "The line is longer than 100 bytes"],
    ]);
  }
});
