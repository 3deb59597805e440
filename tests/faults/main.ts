/**
 * Runs the fault matrix and prints a table.
 *
 *     deno task faults [--only 1,2,31] [--write]
 *
 * @module
 */

import { errorText, exitCode, parseCommandLine } from "@pipeline/runtime";
import { z } from "zod";
import { renderTable } from "../support/document_table.ts";
import { type FaultCase, nameOf, type Outcome } from "./_case.ts";
import { CASES } from "./_cases.ts";
import { HEAD, rowOf, writeOutcomes } from "./_report.ts";
import { outcomeText, runCase } from "./_run.ts";
import { seconds, Stage } from "./_stage.ts";

const PROGRAM = {
  name: "faults",
  summary: "Runs the fault matrix and prints a table.",
  commands: {
    run: {
      summary: "Kill, pause and cut everything on real servers, and prove that nothing is lost.",
      flags: z.strictObject({
        only: z.array(z.string()).optional().describe(
          "Cases by number, or by a word of the title.",
        ),
        list: z.boolean().prefault(false).describe("Print their names only."),
        write: z.boolean().prefault(false).describe("Put the table into docs/faults.md too."),
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
  const cases = chosen(flags.only);
  if (cases.length === 0) {
    console.error(`--only is "${flags.only}": no case has such a number or title`);
    return 2;
  }
  if (flags.list) {
    for (const fault of cases) console.log(nameOf(fault));
    return 0;
  }
  const outcomes = await run(cases, async (outcome) => {
    // At once: a matrix that is broken off loses none of what it has shown.
    if (flags.write) await writeOutcomes([outcome]);
  });
  console.log(`\n${renderTable(HEAD, outcomes.map(rowOf))}`);
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  console.log(`\n${outcomes.length - failed.length} hold, ${failed.length} fail`);
  return failed.length === 0 ? 0 : 1;
}

function chosen(only: readonly string[] | undefined): FaultCase[] {
  const wanted = only?.map((part) => part.trim());
  return CASES.filter(({ numbers, title }) =>
    wanted === undefined ||
    wanted.some((part) =>
      /^\d+$/.test(part) ? numbers.includes(Number(part)) : title.includes(part)
    )
  );
}

async function run(
  cases: readonly FaultCase[],
  report: (outcome: Outcome) => Promise<void>,
): Promise<Outcome[]> {
  const print = (line: string) => console.error(line);
  const started = performance.now();
  // Long enough for compilers to pay off.
  await using stage = await Stage.open(print, { servers: { steady: true } });
  print(`The stage is set after ${seconds(performance.now() - started)}`);
  const outcomes: Outcome[] = [];
  for (const [i, fault] of cases.entries()) {
    const begun = performance.now();
    const outcome = await runCase(stage, fault);
    outcomes.push(outcome);
    await report(outcome);
    print(
      `[${i + 1}/${cases.length}, ${seconds(performance.now() - begun)}] ${outcomeText(outcome)}`,
    );
    const spoilt = fault.last === true || outcome.failure !== undefined;
    const large = stage.grow(outcome.acknowledged);
    if ((spoilt || large) && i + 1 < cases.length) await stage.renew();
  }
  return outcomes;
}

if (import.meta.main) {
  Deno.exit(
    await main().catch((error) => {
      console.error(errorText(error));
      return exitCode(error);
    }),
  );
}
