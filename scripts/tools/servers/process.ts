/**
 * Processes by what no other is taken for: the number is given again, also after the machine has started anew.
 *
 * @module
 */

/** A process. */
export interface ProcessId {
  /** Its number. */
  readonly pid: number;
  /** When it started, to compare with {@linkcode startOf} its number. */
  readonly start: string;
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * When the process of that number started, or nothing where none is there that has not ended.
 *
 * On Linux the boot and field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)), counted after the name, which may
 * hold anything; elsewhere what `ps` shows.
 */
export function startOf(pid: number): string | undefined {
  if (pid <= 0) return undefined;
  if (Deno.build.os !== "linux") return startByPs(pid);
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // One that has ended stays until its parent has asked for its end.
    if (fields[0] === "Z") return undefined;
    return `${Deno.readTextFileSync(BOOT_ID).trim()} ${fields[19]}`;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function startByPs(pid: number): string | undefined {
  const { stdout } = new Deno.Command("ps", {
    args: ["-o", "stat=", "-o", "lstart=", "-p", String(pid)],
    env: { LC_ALL: "C", TZ: "UTC" },
  }).outputSync();
  const [, state, start] = /^\s*(\S+)\s+(.*\S)/.exec(new TextDecoder().decode(stdout)) ?? [];
  return state?.startsWith("Z") ? undefined : start;
}

/** Whether there is still that process. */
export function isAlive({ pid, start }: ProcessId): boolean {
  return startOf(pid) === start;
}

/** Signals the process; nothing where it has ended, whoever has its number since. */
export function send(id: ProcessId, signal: Deno.Signal): void {
  try {
    if (isAlive(id)) Deno.kill(id.pid, signal);
  } catch (error) {
    if (isAlive(id)) throw error;
  }
}

/** Notes a process that was just started in the file `pid` of a folder: its number and its start, a line each. */
export function writePid(folder: string, pid: number): ProcessId {
  const start = startOf(pid) ?? "ended";
  Deno.writeTextFileSync(`${folder}/pid`, `${pid}\n${start}\n`);
  return { pid, start };
}

/** What the file `pid` of a folder names, running or not. */
export function readPid(folder: string): ProcessId | undefined {
  try {
    const [pid, start = ""] = Deno.readTextFileSync(`${folder}/pid`).split("\n");
    return { pid: Number(pid), start };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

// A process that ends while its file is read is not found, or is no such process (ESRCH).
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || String(error).includes("os error 3");
}
