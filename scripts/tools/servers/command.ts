/**
 * Runs commands to their end.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** Options of a command. */
export interface CommandOptions {
  /** Working directory. */
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Time limit in milliseconds; ten minutes by default. */
  readonly timeout?: number;
  /** Number of last output lines to show in an error; 15 by default. */
  readonly lines?: number;
}

/**
 * Runs a command and returns its standard output.
 *
 * @throws {PipelineError} `invalid` if there is no such command; `unavailable` if it failed, with
 * the end of its output.
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

/** The end of a text, where a program explains its failure. */
export function lastLines(text: string, lines = 15): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
