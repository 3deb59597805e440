/**
 * Writes what is generated of the charts: their schemas, the reference of their values, and
 * with `--golden` what each preset renders to, with `--new-major` also what upgrades may not change.
 *
 * @module
 */

import { generated } from "./_generated.ts";
import { GOLDEN, PRESETS, renderGolden } from "./_golden.ts";
import { immutables } from "./_immutable.ts";
import { renderChart } from "./_render.ts";

for (const [path, text] of await generated()) await Deno.writeTextFile(path, text);
if (Deno.args.includes("--golden")) {
  await Deno.mkdir(GOLDEN, { recursive: true });
  for (const preset of Object.keys(PRESETS)) {
    await Deno.writeTextFile(`${GOLDEN}/${preset}.yaml`, await renderGolden(preset));
  }
}
if (Deno.args.includes("--new-major")) {
  const parts = JSON.stringify(immutables(await renderChart()), null, 2);
  await Deno.writeTextFile(`${GOLDEN}/immutable.json`, `${parts}\n`);
}
