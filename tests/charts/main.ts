/**
 * Writes what is generated of the charts: their schemas, the reference of their values, and
 * with `--golden` what each preset renders to.
 *
 * @module
 */

import { generated } from "./_generated.ts";
import { GOLDEN, PRESETS, renderGolden } from "./_golden.ts";

for (const [path, text] of await generated()) await Deno.writeTextFile(path, text);
if (Deno.args.includes("--golden")) {
  await Deno.mkdir(GOLDEN, { recursive: true });
  for (const preset of Object.keys(PRESETS)) {
    await Deno.writeTextFile(`${GOLDEN}/${preset}.yaml`, await renderGolden(preset));
  }
}
