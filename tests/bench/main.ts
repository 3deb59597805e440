/**
 * Runs the benchmarks, each in a process of its own, and prints a table.
 *
 *     deno task bench [--servers] [--only NAME] [--write]
 *
 * `--servers` takes those that run on real servers in place of the others. `--write` also puts the
 * table into docs/benchmarks.md.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { renderTable, updateTable, whereAndWhen } from "../support/document_table.ts";
import type { Benchmark, Figure } from "./_figure.ts";

type Benchmarks = Readonly<Record<string, () => Promise<Benchmark>>>;

const IN_PROCESS: Benchmarks = {
  fold: async () => (await import("./fold.ts")).fold,
  memory: async () => (await import("./memory.ts")).memory,
  generator: async () => (await import("./generator.ts")).generator,
  batch: async () => (await import("./batch.ts")).batch,
  latency: async () => (await import("./latency.ts")).latency,
};

const ON_SERVERS: Benchmarks = {
  produce: async () => (await import("./produce.ts")).produce,
  consume: async () => (await import("./consume.ts")).consume,
  ingest: async () => (await import("./ingest.ts")).ingest,
  speed: async () => (await import("./speed.ts")).speed,
  endurance: async () => (await import("./endurance.ts")).endurance,
};

const ALL: Benchmarks = { ...IN_PROCESS, ...ON_SERVERS };

/** As the jobs run: what folds keeps most of what it makes, and a young heap too small copies it. */
const HEAP = "--min-semi-space-size=64,--max-semi-space-size=64";

const DOCUMENT = new URL("../../docs/benchmarks.md", import.meta.url);

/** What the columns of the tables are called. */
const HEAD = ["benchmark", "figure", "measured", "against", "goal", "on"];

async function main(): Promise<number> {
  const flags = parseArgs(Deno.args, {
    string: ["only", "child"],
    boolean: ["servers", "write"],
  });
  if (flags.child !== undefined) {
    const benchmark = await ALL[flags.child]!();
    console.log(JSON.stringify(await benchmark()));
    return 0;
  }
  const names = Object.keys(ALL);
  if (flags.only !== undefined && !names.includes(flags.only)) {
    console.error(`--only is "${flags.only}": it must be one of ${names.join(", ")}`);
    return 2;
  }
  const onServers = flags.servers || (flags.only ?? "") in ON_SERVERS;
  const chosen = Object.keys(onServers ? ON_SERVERS : IN_PROCESS)
    .filter((name) => flags.only === undefined || name === flags.only);
  const rows = new Map<string, string[][]>();
  for (const name of chosen) rows.set(name, (await run(name)).map((figure) => row(name, figure)));
  console.log(renderTable(HEAD, [...rows.values()].flat()));
  const mark = onServers ? "figures on servers" : "figures";
  const place = { document: DOCUMENT, mark, head: HEAD, order: Object.keys(ALL) };
  if (flags.write) await updateTable(place, rows);
  return 0;
}

/** One benchmark in a fresh process: none warms up, or fills the heap, for another. */
async function run(name: string): Promise<Figure[]> {
  console.error(`${name} ...`);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", "--no-check", `--v8-flags=--expose-gc,${HEAP}`],
      ...[new URL(import.meta.url).pathname, `--child=${name}`],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The benchmark ${name} failed`);
  return JSON.parse(new TextDecoder().decode(stdout)) as Figure[];
}

function row(name: string, { what, value, against = "", goal, reached }: Figure): string[] {
  const verdict = goal === undefined ? "" : `${goal}: ${reached ? "reached" : "missed"}`;
  return [name, what, value, against, verdict, whereAndWhen()];
}

if (import.meta.main) Deno.exit(await main());
