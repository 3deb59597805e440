/**
 * Runs the benchmarks, each in a process of its own, and prints a table.
 *
 *     deno task bench [--only NAME] [--write]
 *
 * `--write` also puts the table into docs/benchmarks.md.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import type { Benchmark, Figure } from "./_figure.ts";

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  fold: async () => (await import("./fold.ts")).fold,
  memory: async () => (await import("./memory.ts")).memory,
  generator: async () => (await import("./generator.ts")).generator,
  batch: async () => (await import("./batch.ts")).batch,
  latency: async () => (await import("./latency.ts")).latency,
};

/** As the jobs run: what folds keeps most of what it makes, and a young heap too small copies it. */
const HEAP = "--min-semi-space-size=64,--max-semi-space-size=64";

const DOCUMENT = new URL("../../docs/benchmarks.md", import.meta.url);
const BEGIN = "<!-- figures -->";
const END = "<!-- end of figures -->";

async function main(): Promise<number> {
  const flags = parseArgs(Deno.args, { string: ["only", "child"], boolean: ["write"] });
  if (flags.child !== undefined) {
    const benchmark = await BENCHMARKS[flags.child]!();
    console.log(JSON.stringify(await benchmark()));
    return 0;
  }
  const names = Object.keys(BENCHMARKS);
  if (flags.only !== undefined && !names.includes(flags.only)) {
    console.error(`--only is "${flags.only}": it must be one of ${names.join(", ")}`);
    return 2;
  }
  const rows: string[][] = [["benchmark", "figure", "measured", "against", "goal"]];
  for (const name of names.filter((n) => flags.only === undefined || n === flags.only)) {
    for (const figure of await run(name)) rows.push(row(name, figure));
  }
  const table = render(rows);
  console.log(table);
  if (flags.write) await write(table);
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
  return [name, what, value, against, verdict];
}

function render(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((r) => r[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const [head, ...body] = rows;
  return [line(head!), line(widths.map((width) => "-".repeat(width))), ...body.map(line)]
    .join("\n");
}

async function write(table: string): Promise<void> {
  const text = await Deno.readTextFile(DOCUMENT);
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${navigator.hardwareConcurrency} cores, ${Deno.build.os} ${Deno.build.arch}, ` +
    `Deno ${Deno.version.deno}`;
  const [before] = text.split(BEGIN);
  const after = text.split(END)[1]!;
  const figures = `${date}, ${machine}:\n\n${table}`;
  await Deno.writeTextFile(DOCUMENT, `${before}${BEGIN}\n\n${figures}\n\n${END}${after}`);
}

if (import.meta.main) Deno.exit(await main());
