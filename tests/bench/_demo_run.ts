/**
 * The whole pipeline in one process, as `make demo` runs it, and what it says at its end.
 *
 * @module
 */

import { freePort } from "../support/demo.ts";

/** As in scripts/demo. */
const HEAP = "--v8-flags=--min-semi-space-size=64,--max-semi-space-size=64";

/** What a run says at its end. */
export interface DemoRun {
  /** From due to visible, as the table has it. */
  readonly latency: string;
  /** Milliseconds. */
  readonly p99: number;
  /** Records that were due and not produced. */
  readonly behind: number;
  /** Documents that speed wrote for a record, by view, as the table has it. */
  readonly writes: string;
  /** `exact`, or what differs. */
  readonly verify: string;
}

/**
 * Runs the demo on a folder of its own, which is removed.
 *
 * @param options.endAfter milliseconds of live records after which it is told to end; for runs without a
 * duration.
 * @throws where it does not end as it should, with all that it wrote.
 */
export async function demoRun(
  flags: readonly string[],
  options: { readonly endAfter?: number; readonly onSpawn?: (pid: number) => void } = {},
): Promise<DemoRun> {
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  const entry = new URL("../../jobs/demo/main.ts", import.meta.url).pathname;
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", "--no-check", HEAP, entry, "demo"],
        ...[`--data=${folder}`, `--port=${freePort()}`, ...flags],
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    options.onSpawn?.(child.pid);
    let output = "";
    let ending: ReturnType<typeof setTimeout> | undefined;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (options.endAfter === undefined || ending !== undefined) continue;
      // The first status line of live records.
      if (output.includes(" produced (")) {
        ending = setTimeout(() => child.kill("SIGINT"), options.endAfter);
      }
    }
    const { code } = await child.status;
    const row = (name: string) => new RegExp(`^ +${name} +(.*)$`, "m").exec(output)?.[1];
    const [latency, writes, verify] = [
      row("produce → visible in the API"),
      row("written by speed"),
      row("verify"),
    ];
    const [, late, cut] = /^(?:Not drained: (.*)|Ended at once \((.*)\).*)$/m.exec(output) ?? [];
    const undrained = late ?? cut;
    if (undrained !== undefined) return overrun(output, undrained);
    const p99 = /p99 (\d+) ms/.exec(latency ?? "")?.[1];
    if (code !== 0 || p99 === undefined) throw new Error(`The demo ended with ${code}:\n${output}`);
    const behind = /([\d,]+) behind schedule/.exec(row("produced") ?? "")?.[1] ?? "0";
    return {
      latency: latency!,
      p99: Number(p99),
      behind: Number(behind.replaceAll(",", "")),
      writes: writes!,
      verify: verify!.replace(/ \(.*/, ""),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is known of a run that could not take what came: its last status line. */
function overrun(output: string, undrained: string): DemoRun {
  const seen = [...output.matchAll(/visible p50 (\d+) p99 (\d+) ms/g)].at(-1);
  const [, p50 = "?", p99 = "Infinity"] = seen ?? [];
  return {
    latency: `p50 ${p50} ms · p99 ${p99} ms, growing`,
    p99: Number(p99),
    behind: 0,
    writes: "-",
    verify: `not drained in time: ${undrained}`,
  };
}
