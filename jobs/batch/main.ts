/**
 * The batch job on its own.
 *
 * @module
 */

import { openEmbedded } from "@pipeline/adapters/embedded";
import { canonicalJson } from "@pipeline/core";
import { errorText, exitCode, parseCommandLine, text } from "@pipeline/runtime";
import { z } from "zod";
import { verify } from "./verify/verify.ts";

const flags = z.strictObject({
  data: text().prefault("./data").describe("Folder of an embedded pipeline, running or not."),
});

async function main(args: readonly string[]): Promise<number> {
  const line = parseCommandLine({
    name: "batch",
    summary: "The batch layer: the dataset into view generations.",
    commands: {
      verify: {
        summary: "Recompute what is served from dataset and log; print every difference.",
        flags,
      },
    },
  }, args);
  if (line.command === "help") {
    console.log(line.text);
    return 0;
  }
  const ports = openEmbedded(line.flags.data, { access: "read" });
  try {
    const { first, ...report } = await verify(ports);
    for (const difference of first) console.log(canonicalJson(difference));
    console.log(canonicalJson(report));
    return report.exact ? 0 : 1;
  } finally {
    await ports.close();
  }
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(errorText(error));
  Deno.exit(exitCode(error));
}
