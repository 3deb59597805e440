/**
 * What the conformance suites share: how a test is registered, how one waits for
 * something that a server shows only later, and the awkward names.
 *
 * @module
 */

import { assert, assertRejects } from "@std/assert";
import { type ErrorCode, PipelineError } from "@pipeline/core";

export { eventually, pause } from "../support/eventually.ts";

/** A fresh instance of a port for one test. */
export interface Fixture<Port> {
  readonly port: Port;
  /** Closes and removes everything. */
  cleanup(): Promise<void>;
}

/** A capability: there, or left out with the reason, which the report shows. */
export type Capability = true | { readonly without: string };

/** Names that have broken programs before: prototypes, separators, quotes, other planes. */
export const AWKWARD = [
  "__proto__",
  "constructor",
  "toString",
  "ein Ü und 🎈",
  "\u{ffee}",
  "a b",
  "'; DROP TABLE x; --",
  '"',
  "*",
  "%25",
  "a\\b",
];

/** Texts with the control characters that drivers end a text at, or use to escape. */
export const BINARY = ["a\0b", "a\0c", "a", "a\x01", "a\x01\x01", "a\x01\x02b", "a\x02", "\0"];

/**
 * Registers one test of a suite. With `clean` false, timers and connections may be left that a client
 * package leaves to time out by itself.
 */
export function conformanceTest<F extends { cleanup(): Promise<void> }>(
  suite: string,
  make: () => Promise<F>,
  { clean = true }: { readonly clean?: boolean | undefined } = {},
): (name: string, body: (fixture: F) => Promise<void>, needs?: Capability) => void {
  return (name, body, needs = true) => {
    const ignore = needs !== true;
    Deno.test({
      name: `${suite}: ${name}${ignore ? ` (left out: ${needs.without})` : ""}`,
      ignore,
      sanitizeOps: clean,
      sanitizeResources: clean,
      fn: async () => {
        const fixture = await make();
        try {
          await body(fixture);
        } finally {
          await fixture.cleanup();
        }
      },
    });
  };
}

/** Asserts that the call rejects with the code, and returns the error. */
export async function assertCode(
  work: () => Promise<unknown>,
  ...codes: ErrorCode[]
): Promise<PipelineError> {
  const error = await assertRejects(work, PipelineError);
  assert(
    codes.includes(error.code),
    `Expected ${codes.join(" or ")}, got ${error.code}: ${error.message}`,
  );
  return error;
}

/** UTF-8 bytes. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Text of UTF-8 bytes. */
export function text(value: Uint8Array | null): string | null {
  return value === null ? null : new TextDecoder().decode(value);
}
