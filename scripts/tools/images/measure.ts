/**
 * Measures images: how large they are, and how long their program takes to get to its first line.
 *
 * @module
 */

import { command } from "../servers/mod.ts";
import type { Built } from "./build.ts";
import { unpackImage } from "./image.ts";

/** What was measured of a job's image. */
export interface Figures {
  readonly name: string;
  /** Bytes of the binary. */
  readonly binary: number;
  /** Bytes of the image as a registry keeps it. */
  readonly compressed: number;
  /** Milliseconds until `--help` has ended: the shortest, which others disturbed the least. */
  readonly start: number;
  /** Milliseconds of processor time that it took; the median. */
  readonly processor: number;
  /** Most memory that it took, in bytes, the mapped binary included. */
  readonly memory: number;
}

const RUNS = 9;

/** Measures a job's image. The binary runs on this machine, not in a container. */
export async function measure({ name, archive }: Built): Promise<Figures> {
  const folder = await Deno.makeTempDir({ prefix: "image-" });
  try {
    await unpackImage(archive, folder);
    const binary = `${folder}/job`;
    const times = [];
    for (let run = 0; run < RUNS; run++) times.push(await timeHelp(binary));
    const compressed = await command("sh", ["-c", 'gzip -c "$1" | wc -c', "sh", archive]);
    return {
      name,
      binary: (await Deno.stat(binary)).size,
      compressed: Number(compressed),
      start: Math.min(...times.map(({ wall }) => wall)),
      processor: times.map(({ processor }) => processor).sort((a, b) => a - b)[RUNS >> 1]!,
      memory: await peakMemory(binary),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function timeHelp(binary: string): Promise<{ wall: number; processor: number }> {
  const script = `TIMEFORMAT='%R %U %S'; { time "$1" --help >/dev/null; } 2>&1`;
  const text = await command("bash", ["-c", script, "bash", binary], { env: { LC_ALL: "C" } });
  const [wall, user, system] = text.trim().split(" ").map((seconds) => Number(seconds) * 1000);
  return { wall: wall!, processor: user! + system! };
}

/** The most memory that a run was seen to take. */
async function peakMemory(binary: string): Promise<number> {
  const child = new Deno.Command(binary, {
    args: ["--help"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let peak = 0;
  const timer = setInterval(() => peak = Math.max(peak, peakOf(child.pid)), 5);
  await child.status;
  clearInterval(timer);
  return peak;
}

/** The most memory that a process has taken so far, in bytes; 0 once it has ended. */
function peakOf(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
