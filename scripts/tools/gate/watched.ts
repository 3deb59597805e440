/**
 * Commands that are watched: one that makes no progress for too long is ended.
 *
 * @module
 */

/** How to run a command. */
export interface WatchedOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds that it may take from its start, or from one line of progress, to the next or its end. */
  readonly limit: number;
  /** What a line of its output looks like that is progress; where not given, none is. */
  readonly progress?: RegExp;
}

/** How a command ended. */
export interface Ended {
  readonly code: number;
  /** Whether it was ended, since it made no progress. */
  readonly stalled: boolean;
}

/**
 * A line of `deno test` with the result of a test or of a step, in colours or without. It begins with the result
 * where something was written since the name.
 */
export const TEST_RESULT = /(?:^| \.\.\.) \S*(?:ok|FAILED|ignored)/;

/** Milliseconds from the polite signal, on which `deno test` names what runs, to the other one. */
const LAST_WORDS = 10_000;

/** Runs a command, whose output is ours as well. */
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
