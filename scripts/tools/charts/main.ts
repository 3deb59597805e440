/**
 * Writes what is generated of the charts: their schemas, the reference of their values, and
 * with `--golden` what is kept of each preset, with `--new-major` also what upgrades may not change.
 *
 * @module
 */

import { generated } from "./generated.ts";
import { GOLDEN, goldenPath, PRESETS, renderGolden } from "./golden.ts";
import { immutables } from "./immutable.ts";
import { renderChart } from "./render.ts";

for (const [path, text] of await generated()) await Deno.writeTextFile(path, text);
if (Deno.args.includes("--golden")) {
  await Deno.mkdir(GOLDEN, { recursive: true });
  for (const preset of Object.keys(PRESETS)) {
    await Deno.writeTextFile(goldenPath(preset), await renderGolden(preset));
  }
}
if (Deno.args.includes("--new-major")) {
  const parts = Object.entries(immutables(await renderChart()))
    .map(([name, part]) => `  ${JSON.stringify(name)}: ${JSON.stringify(part)}`);
  await Deno.writeTextFile(`${GOLDEN}/immutable.json`, `{\n${parts.join(",\n")}\n}\n`);
}
