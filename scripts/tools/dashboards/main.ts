/**
 * Writes the dashboards into the chart of Grafana.
 *
 * @module
 */

import { dashboardFiles, FOLDER } from "./mod.ts";

await Deno.mkdir(FOLDER, { recursive: true });
await Deno.remove(FOLDER, { recursive: true });
await Deno.mkdir(FOLDER);
for (const [path, text] of dashboardFiles()) await Deno.writeTextFile(path, text);
