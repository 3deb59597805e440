/**
 * Measures images: how large they are, and how long their program takes to get to its first line.
 *
 * @module
 */

import { command } from "../tests/servers/mod.ts";
import type { Built } from "./build.ts";
import { unpackImage } from "./image.ts";

/** What was measured of a job's image. */
export interface Figures {
  readonly name: string;
  /** Bytes of the binary. */
  readonly binary: number;
  /** Bytes of the image as a registry keeps it. */
  readonly compressed: number;
  /** Milliseconds until `--help` has ended; the median. */
  readonly start: number;
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
    const runs = [];
    for (let run = 0; run < RUNS; run++) runs.push(await runHelp(binary));
    const compressed = await command("sh", ["-c", 'gzip -c "$1" | wc -c', "sh", archive]);
    return {
      name,
      binary: (await Deno.stat(binary)).size,
      compressed: Number(compressed),
      start: runs.map(({ took }) => took).sort((a, b) => a - b)[RUNS >> 1]!,
      memory: Math.max(...runs.map(({ memory }) => memory)),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runHelp(binary: string): Promise<{ took: number; memory: number }> {
  const started = performance.now();
  const child = new Deno.Command(binary, {
    args: ["--help"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let memory = 0;
  const timer = setInterval(() => memory = Math.max(memory, peakOf(child.pid)), 10);
  const { success } = await child.status;
  clearInterval(timer);
  if (!success) throw new Error(`${binary} --help failed`);
  return { took: performance.now() - started, memory };
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
