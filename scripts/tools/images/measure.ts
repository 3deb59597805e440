/**
 * Measures images: their size, and the time until their program's first line.
 *
 * @module
 */

import { command } from "../servers/mod.ts";
import type { Built } from "./build.ts";
import { unpackImage } from "./image.ts";

/** Measurements of a job's image. */
export interface Figures {
  readonly name: string;
  /** Bytes of the binary. */
  readonly binary: number;
  /** Bytes of the image in a registry. */
  readonly compressed: number;
  /** Milliseconds until `--help` has ended: the shortest run, which was disturbed the least. */
  readonly start: number;
  /** Milliseconds of processor time; the median. */
  readonly processor: number;
  /** Peak memory in bytes, including the mapped binary. */
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

/** The peak memory observed during a run. */
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

/** The peak memory of a process so far, in bytes; 0 once it has ended. */
function peakOf(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
