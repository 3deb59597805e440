/**
 * Splits a stream of bytes into lines of text.
 *
 * @module
 */

/** A line that is not text. */
export interface BadLine {
  readonly reason: string;
  /** Its first bytes, with U+FFFD in place of invalid UTF-8. */
  readonly sample: string;
}

/** A line; numbers count from 1. */
export interface Line {
  readonly number: number;
  readonly content: string | BadLine;
}

/** Longest line in bytes: far above Reddit's limits, to bound the memory. */
export const MAX_LINE_BYTES = 32 * 2 ** 20;

const SAMPLE_BYTES = 2_000;
const LINE_FEED = 0x0a;

/**
 * Splits a stream into its lines, in groups, since one asynchronous step per line would cost more
 * than the rest. Lines without text are skipped but numbered. A byte order mark at the start of a
 * line is removed: concatenated files have them in the middle. A carriage return before the line
 * feed stays: to JSON it is white space.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<readonly Line[], void, undefined> {
  let number = 1;
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let skipped = 0;
  const tooLong = (bytes: number): BadLine => ({
    reason: `The line is longer than ${maxBytes} bytes`,
    sample: new TextDecoder().decode(join(rest, bytes).subarray(0, SAMPLE_BYTES)),
  });
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end < 0) {
      // Of an overlong line only the beginning is kept.
      if (restBytes < maxBytes) rest.push(chunk);
      else skipped += chunk.length;
      restBytes += chunk.length;
      continue;
    }
    let lines: Line[] = [];
    let from = 0;
    if (restBytes > 0) {
      from = chunk.indexOf(LINE_FEED) + 1;
      if (restBytes + from > maxBytes) {
        lines.push({ number: number++, content: tooLong(restBytes - skipped) });
      } else {
        rest.push(chunk.subarray(0, from - 1));
        const [line] = decode(join(rest, restBytes + from - 1), number++);
        if (line !== undefined) lines.push(line);
      }
    }
    if (from <= end) {
      const block = chunk.subarray(from, end);
      const decoded = decode(block, number);
      lines = lines.length === 0 ? decoded : [...lines, ...decoded];
      number += count(block) + 1;
    }
    if (lines.length > 0) yield lines;
    rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
    restBytes = chunk.length - end - 1;
    skipped = 0;
  }
  if (restBytes === 0) return;
  if (restBytes > maxBytes) yield [{ number, content: tooLong(restBytes - skipped) }];
  else yield decode(join(rest, restBytes), number);
}

/** The lines of a block that ends before a line feed or at the end. */
function decode(block: Uint8Array, first: number): Line[] {
  const lines: Line[] = [];
  const add = (content: string | BadLine, number: number) => {
    const text = typeof content === "string" ? withoutMark(content) : content;
    if (typeof text !== "string" || /\S/.test(text)) lines.push({ number, content: text });
  };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(block);
    for (const [i, line] of text.split("\n").entries()) add(line, first + i);
    return lines;
  } catch {
    // A line is not UTF-8: decode line by line to find it.
  }
  let number = first;
  for (let from = 0; from <= block.length; number++) {
    const feed = block.indexOf(LINE_FEED, from);
    const end = feed < 0 ? block.length : feed;
    add(decodeOne(block.subarray(from, end)), number);
    from = end + 1;
  }
  return lines;
}

function withoutMark(line: string): string {
  return line.startsWith("\ufeff") ? line.replace(/^\ufeff+/, "") : line;
}

function decodeOne(bytes: Uint8Array): string | BadLine {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const sample = new TextDecoder().decode(bytes.subarray(0, SAMPLE_BYTES));
    return { reason: "The line is not UTF-8", sample };
  }
}

function count(block: Uint8Array): number {
  let feeds = 0;
  for (let at = block.indexOf(LINE_FEED); at >= 0; at = block.indexOf(LINE_FEED, at + 1)) feeds++;
  return feeds;
}

function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const joined = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
