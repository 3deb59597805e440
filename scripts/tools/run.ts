/**
 * Runs programs on our own standard streams, like a shell.
 *
 * @module
 */

/** Prints the usage and exits, if the first argument requests it. */
export function help(usage: string): void {
  if (!/^(--help|-h)$/.test(Deno.args[0] ?? "")) return;
  console.log(usage);
  Deno.exit();
}

/** Options of a program. */
export interface RunOptions {
  /** Its standard input; ours by default. */
  readonly input?: string;
  /** Capture its standard output instead of showing it. */
  readonly quiet?: boolean;
}

/** Runs a program, and returns its exit code and, if quiet, its standard output. */
export async function attempt(
  [program, ...args]: readonly string[],
  { input, quiet = false }: RunOptions = {},
): Promise<{ readonly code: number; readonly text: string }> {
  const child = new Deno.Command(program!, {
    args,
    stdin: input === undefined ? "inherit" : "piped",
    stdout: quiet ? "piped" : "inherit",
    stderr: "inherit",
  }).spawn();
  if (input !== undefined) {
    await new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}); // It may not read all.
  }
  const text = quiet ? await new Response(child.stdout).text() : "";
  return { code: (await child.status).code, text: text.trimEnd() };
}

/** Like {@linkcode attempt}; exits with the program's exit code if it fails. */
export async function run(command: readonly string[], options?: RunOptions): Promise<string> {
  const { code, text } = await attempt(command, options);
  if (code !== 0) Deno.exit(code);
  return text;
}

/** Whether a program exists. */
export async function isThere(program: string): Promise<boolean> {
  return (await attempt(["sh", "-c", 'command -v "$0"', program], { quiet: true })).code === 0;
}
