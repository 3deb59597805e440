/**
 * Programs on our own standard streams, as a shell runs them.
 *
 * @module
 */

/** Prints a usage where the first argument asks for it, and ends. */
export function help(usage: string): void {
  if (!/^(--help|-h)$/.test(Deno.args[0] ?? "")) return;
  console.log(usage);
  Deno.exit();
}

/** How a program is run. */
export interface RunOptions {
  /** Its standard input; ours where not given. */
  readonly input?: string;
  /** Take what it writes, in place of showing it. */
  readonly quiet?: boolean;
}

/** Runs a program, and returns its exit code and, where it is quiet, what it wrote to standard output. */
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

/** As {@linkcode attempt}; ends with the program's exit code where it fails. */
export async function run(command: readonly string[], options?: RunOptions): Promise<string> {
  const { code, text } = await attempt(command, options);
  if (code !== 0) Deno.exit(code);
  return text;
}

/** Whether there is such a program. */
export async function isThere(program: string): Promise<boolean> {
  return (await attempt(["sh", "-c", 'command -v "$0"', program], { quiet: true })).code === 0;
}
