/**
 * From the moment a record is due until the API shows it, over the whole pipeline in
 * one process: as `make demo` runs it, asked over HTTP. Open loop: a record counts from
 * when it was due, also where the pipeline held it back.
 *
 * @module
 */

import type { Figure } from "./_figure.ts";

const RATE = 5_000;

/** As in scripts/demo. */
const HEAP = "--v8-flags=--min-semi-space-size=64,--max-semi-space-size=64";

/** Milliseconds of live records without a second generation. */
const STEADY = 40_000;

/** Runs the benchmark. */
export async function latency(): Promise<Figure[]> {
  const steady = await demo([], STEADY);
  const switched = await demo(["--duration=60s"]);
  return [
    figure(`${RATE} records/s`, steady, "p99 below 300 ms"),
    figure(`${RATE} records/s, a generation built and switched meanwhile`, switched),
  ];
}

interface Run {
  readonly latency: string;
  readonly p99: number;
  readonly verify: string;
}

/** Runs the demo on a folder of its own; told to end after some time of live records. */
async function demo(flags: readonly string[], endAfter?: number): Promise<Run> {
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  const entry = new URL("../../jobs/pipeline/main.ts", import.meta.url).pathname;
  const port = freePort();
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", "--no-check", HEAP, entry, "demo"],
        ...[`--data=${folder}`, `--port=${port}`, `--rate=${RATE}`, ...flags],
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let output = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (endAfter !== undefined && timer === undefined && output.includes(" produced (")) {
        timer = setTimeout(() => child.kill("SIGINT"), endAfter);
      }
    }
    const { code } = await child.status;
    const found = /visible in the API +(p50 .* p99 (\d+) ms .*)\n/.exec(output);
    const verify = /verify +(\w+)/.exec(output);
    if (code !== 0 || found === null || verify === null) {
      throw new Error(`The demo ended with ${code}:\n${output}`);
    }
    return { latency: found[1]!, p99: Number(found[2]), verify: verify[1]! };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function figure(what: string, { latency, p99, verify }: Run, goal?: string): Figure {
  return {
    what,
    value: latency,
    against: `verify: ${verify}`,
    ...(goal === undefined ? {} : { goal, reached: p99 < 300 }),
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
