/**
 * Runs the benchmarks, each in a process of its own, and prints a table.
 *
 *     deno task bench [--servers] [--only NAME] [--write]
 *
 * @module
 */

import { errorText, exitCode, parseCommandLine } from "@pipeline/runtime";
import { z } from "zod";
import { renderTable, updateTable, whereAndWhen } from "../support/document_table.ts";
import type { Benchmark, Figure } from "./_figure.ts";

type Benchmarks = Readonly<Record<string, () => Promise<Benchmark>>>;

const IN_PROCESS: Benchmarks = {
  fold: async () => (await import("./fold.ts")).fold,
  memory: async () => (await import("./memory.ts")).memory,
  generator: async () => (await import("./generator.ts")).generator,
  batch: async () => (await import("./batch.ts")).batch,
  copy: async () => (await import("./copy.ts")).copy,
  latency: async () => (await import("./latency.ts")).latency,
};

const ON_SERVERS: Benchmarks = {
  produce: async () => (await import("./produce.ts")).produce,
  consume: async () => (await import("./consume.ts")).consume,
  ingest: async () => (await import("./ingest.ts")).ingest,
  speed: async () => (await import("./speed.ts")).speed,
  queries: async () => (await import("./queries.ts")).queries,
  restart: async () => (await import("./restart.ts")).restart,
  endurance: async () => (await import("./endurance.ts")).endurance,
};

const ALL: Benchmarks = { ...IN_PROCESS, ...ON_SERVERS };

/** As the jobs run: what folds keeps most of what it makes, and a young heap too small copies it. */
const HEAP = "--min-semi-space-size=64,--max-semi-space-size=64";

const DOCUMENT = new URL("../../docs/benchmarks.md", import.meta.url);

/** What the columns of the tables are called. */
const HEAD = ["benchmark", "figure", "measured", "against", "goal", "on"];

const NAMES = Object.keys(ALL) as [string, ...string[]];

const PROGRAM = {
  name: "bench",
  summary: "Runs the benchmarks, each in a process of its own, and prints a table.",
  commands: {
    run: {
      summary: "Run the benchmarks, each in a process of its own, and print a table.",
      flags: z.strictObject({
        servers: z.boolean().prefault(false).describe("Those on real servers, not the others."),
        only: z.enum(NAMES).optional().describe("This one only."),
        write: z.boolean().prefault(false).describe("Put the table into docs/benchmarks.md too."),
        child: z.enum(NAMES).optional().describe("Run this one here, for the process that asks."),
      }),
    },
  },
};

async function main(): Promise<number> {
  const line = parseCommandLine(PROGRAM, Deno.args);
  if (line.command === "help") {
    console.log(line.text);
    return 0;
  }
  const { flags } = line;
  if (flags.child !== undefined) {
    const benchmark = await ALL[flags.child]!();
    console.log(JSON.stringify(await benchmark()));
    return 0;
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

if (import.meta.main) {
  Deno.exit(
    await main().catch((error) => {
      console.error(errorText(error));
      return exitCode(error);
    }),
  );
}
