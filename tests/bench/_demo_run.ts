/**
 * The whole pipeline in one process, as `make demo` runs it, and what it says at its end.
 *
 * @module
 */

import { freePort, pause } from "../support/demo.ts";

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
  /** `exact`, or what differs. */
  readonly verify: string;
  /** Records that were in the log and not in the served views, each time the status was shown. */
  readonly lags: readonly number[];
  /** The generation that serves at the end. */
  readonly generation: number;
}

/** What is done beside a run. */
export interface DemoBeside {
  /** Milliseconds after which the run is told to end, for runs without a duration. */
  readonly endAfter?: number;
  /** What the run has written when these milliseconds begin; its first status by default. */
  readonly endFrom?: RegExp;
  /** Called with the process. */
  readonly onSpawn?: (pid: number) => void;
  /** Called when live records are produced. */
  readonly onLive?: () => void;
  /** Awaited before the run is told to end. */
  readonly beforeEnd?: () => Promise<void>;
}

/** Part of a status line of live records. */
const LIVE = / produced \(/;

/**
 * Runs the demo on a folder of its own, which is removed.
 *
 * @throws where it does not end as it should, with all that it wrote.
 */
export async function demoRun(
  flags: readonly string[],
  { endAfter, endFrom = LIVE, onSpawn, onLive, beforeEnd }: DemoBeside = {},
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
    onSpawn?.(child.pid);
    let output = "";
    let isLive = false;
    let ending: Promise<void> | undefined;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (!isLive && LIVE.test(output)) {
        isLive = true;
        onLive?.();
      }
      if (endAfter === undefined || ending !== undefined || !endFrom.test(output)) continue;
      ending = pause(endAfter).then(beforeEnd).then(() => child.kill("SIGINT"));
      // Reported below, once the process has ended.
      ending.catch(() => {});
    }
    await ending;
    const { code } = await child.status;
    const row = (name: string) => new RegExp(`^ +${name} +(.*)$`, "m").exec(output)?.[1];
    const [latency, verify] = [row("produce → visible in the API"), row("verify")];
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
      verify: verify!.replace(/ \(.*/, ""),
      lags: lagsOf(output),
      generation: Number(row("generation")),
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
    verify: `not drained in time: ${undrained}`,
    lags: lagsOf(output),
    generation: NaN,
  };
}

function lagsOf(output: string): number[] {
  return [...output.matchAll(/fold lag ([\d,]+)/g)].map(([, lag]) =>
    Number(lag!.replaceAll(",", ""))
  );
}
