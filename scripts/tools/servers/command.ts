/**
 * Commands that are run to their end.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** How to run a command. */
export interface CommandOptions {
  /** Where it runs. */
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is ended; ten minutes where not given. */
  readonly timeout?: number;
  /** Lines at the end of what it wrote that an error shows; 15 where not given. */
  readonly lines?: number;
}

/**
 * Runs a command and returns what it wrote to standard output.
 *
 * @throws {PipelineError} `invalid` where there is no such command; `unavailable` where it failed,
 * with the end of what it wrote.
 */
export async function command(
  name: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { timeout = 600_000, lines, ...rest } = options;
  const signal = AbortSignal.timeout(timeout);
  try {
    const { code, stdout, stderr } = await new Deno.Command(name, {
      args: [...args],
      ...rest,
      signal,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (code === 0) return text(stdout);
    const why = signal.aborted ? `did not end within ${timeout / 1000} s` : `ended with ${code}`;
    throw new PipelineError(
      "unavailable",
      `${name.split("/").at(-1)} ${why}:\n${lastLines(text(stdout) + text(stderr), lines)}`,
    );
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new PipelineError("invalid", `The command ${name} is not there`, { cause });
  }
}

/** The end of a text: where a program says why it failed. */
export function lastLines(text: string, lines = 15): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
