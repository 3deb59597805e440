/**
 * `scripts/charts`.
 *
 * @module
 */

import { help } from "../run.ts";
import { dashboardFiles, FOLDER } from "../dashboards/mod.ts";
import { generated } from "./generated.ts";
import { GOLDEN, goldenPath, PRESETS, renderGolden } from "./golden.ts";
import { immutables } from "./immutable.ts";
import { renderChart } from "./render.ts";

const USAGE = `Usage: scripts/charts [--golden] [--new-major]

Writes the values.schema.json of every chart and the reference of their values, from the
schemas of the jobs' settings and the charts' own part (scripts/tools/charts), and the
dashboards of the chart grafana (scripts/tools/dashboards).

  --golden      also write the rendered default and the differences of each other preset,
                which tests compare with
  --new-major   also write the fields that an upgrade may not change (selectors, volume
                claims): only for a new major version, which users reinstall`;

help(USAGE);
Deno.chdir(new URL("../../..", import.meta.url));
await Deno.mkdir(FOLDER, { recursive: true });
await Deno.remove(FOLDER, { recursive: true });
await Deno.mkdir(FOLDER);
for (const [path, text] of [...await generated(), ...dashboardFiles()]) {
  await Deno.writeTextFile(path, text);
}
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
