/**
 * The whole pipeline in one process.
 *
 * @module
 */

import {
  errorText,
  exitCode,
  parseCommandLine,
  Progress,
  runUntilSignal,
  systemClock,
  type Terminal,
} from "@pipeline/runtime";
import { verifyFolder } from "./check.ts";
import { dataFlags, demoFlags } from "./config.ts";
import { runDemo } from "./demo.ts";
import { readPlace } from "./place.ts";
import { differenceLines, verdict } from "./summary.ts";

const terminal: Terminal = {
  write: (text) => void Deno.stdout.writeSync(new TextEncoder().encode(text)),
  interactive: Deno.stdout.isTerminal(),
  // A terminal without a display may report no width.
  columns: () => Deno.consoleSize().columns || 80,
};

async function main(args: readonly string[]): Promise<number> {
  const line = parseCommandLine({
    name: "pipeline",
    summary: "A lambda architecture in one process, on the files of one folder or on real servers.",
    commands: {
      demo: { summary: "Run everything: history, batch, live records, the API.", flags: demoFlags },
      verify: { summary: "Prove that the answers from a folder are correct.", flags: dataFlags },
    },
  }, args);
  switch (line.command) {
    case "help":
      console.log(line.text);
      return 0;
    case "verify": {
      const place = await readPlace(line.flags.data, line.flags.servers);
      const report = await verifyFolder(place, console.error);
      console.log(`generation ${report.generation}: ${verdict(report)}`);
      for (const difference of differenceLines(report)) console.log(difference);
      return report.exact ? 0 : 1;
    }
    case "demo": {
      const { flags } = line;
      const progress = new Progress({ terminal, clock: systemClock });
      const sink = toFile(`${flags.data}/pipeline.log`);
      const ending = await runUntilSignal(
        (signal) => runDemo({ flags, progress, sink, signal }),
        {
          grace: flags.grace,
          onDrain: () => progress.line("Ending; press Ctrl-C again to end at once."),
        },
      );
      if (ending.how === "forced") {
        progress.line(`Ended at once (${ending.why}). Nothing acknowledged is lost.`);
        return 1;
      }
      return ending.result === false ? 1 : 0;
    }
  }
}

/** Writes lines to a file, to keep the screen for the demo. Opens the file at the first line. */
function toFile(path: string): (line: string) => void {
  let file: Deno.FsFile | undefined;
  return (line) => {
    file ??= Deno.openSync(path, { append: true, create: true });
    file.writeSync(new TextEncoder().encode(`${line}\n`));
  };
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(errorText(error));
  Deno.exit(exitCode(error));
}
