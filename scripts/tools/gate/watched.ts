/**
 * Runs commands under a watchdog: a command without progress for too long is ended.
 *
 * @module
 */

/** Options of a command. */
export interface WatchedOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds allowed from the start, or from one line of progress, to the next or the end. */
  readonly limit: number;
  /** The pattern of output lines that count as progress; none do by default. */
  readonly progress?: RegExp;
}

/** The end of a command. */
export interface Ended {
  readonly code: number;
  /** Whether it was ended for lack of progress. */
  readonly stalled: boolean;
}

/**
 * A line of `deno test` with the result of a test or of a step, with or without colours. It begins
 * with the result if other output has followed the name.
 */
export const TEST_RESULT = /(?:^| \.\.\.) \S*(?:ok|FAILED|ignored)/;

/**
 * Milliseconds between the first signal, on which `deno test` names the running tests, and the
 * second one.
 */
const LAST_WORDS = 10_000;

/** Runs a command, and passes its output on. */
export async function runWatched(
  command: string,
  args: readonly string[],
  { env = {}, limit, progress }: WatchedOptions,
): Promise<Ended> {
  const child = new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "null",
    stdout: progress === undefined ? "inherit" : "piped",
    stderr: "inherit",
  }).spawn();
  let stalled = false;
  const end = () => {
    stalled = true;
    stop(child, "SIGINT");
    timer = setTimeout(() => stop(child, "SIGKILL"), LAST_WORDS);
  };
  let timer = setTimeout(end, limit);
  if (progress !== undefined) {
    let line = "";
    const [ours, watched] = child.stdout.tee();
    const shown = ours.pipeTo(Deno.stdout.writable, { preventClose: true });
    for await (const text of watched.pipeThrough(new TextDecoderStream())) {
      const lines = (line + text).split("\n");
      line = lines.pop()!;
      if (stalled || !lines.some((line) => progress.test(line))) continue;
      clearTimeout(timer);
      timer = setTimeout(end, limit);
    }
    await shown;
  }
  const { code } = await child.status;
  clearTimeout(timer);
  return { code, stalled };
}

function stop(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended in the meantime.
  }
}
