/**
 * Unambiguous identity of processes: process ids are reused, and restart with the machine.
 *
 * @module
 */

/** A process. */
export interface ProcessId {
  /** Its process id. */
  readonly pid: number;
  /** When it started, for comparison with {@linkcode startOf} its id. */
  readonly start: string;
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * When the process of that id started, or `undefined` if none is alive.
 *
 * On Linux the boot and field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)), counted after the name,
 * which may contain anything; elsewhere the output of `ps`.
 */
export function startOf(pid: number): string | undefined {
  if (pid <= 0) return undefined;
  if (Deno.build.os !== "linux") return startByPs(pid);
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie stays until its parent has waited for it.
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

/** Whether the process is still alive. */
export function isAlive({ pid, start }: ProcessId): boolean {
  return startOf(pid) === start;
}

/** Signals the process, unless it has ended, even if its id was reused. */
export function send(id: ProcessId, signal: Deno.Signal): void {
  try {
    if (isAlive(id)) Deno.kill(id.pid, signal);
  } catch (error) {
    if (isAlive(id)) throw error;
  }
}

/**
 * Writes a process that was just started into the file `pid` of a folder: its id and its start, on
 * a line each.
 */
export function writePid(folder: string, pid: number): ProcessId {
  const start = startOf(pid) ?? "ended";
  Deno.writeTextFileSync(`${folder}/pid`, `${pid}\n${start}\n`);
  return { pid, start };
}

/** The process in the file `pid` of a folder, alive or not. */
export function readPid(folder: string): ProcessId | undefined {
  try {
    const [pid, start = ""] = Deno.readTextFileSync(`${folder}/pid`).split("\n");
    return { pid: Number(pid), start };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

// If a process ends while its file is read, the error is "not found" or "no such process" (ESRCH).
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || String(error).includes("os error 3");
}
