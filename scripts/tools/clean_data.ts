/**
 * `scripts/clean-data`.
 *
 * @module
 */

import { help } from "./run.ts";

const USAGE = `Usage: [DATA=./data] scripts/clean-data

Deletes the data folder of 'make demo'.`;

const data = Deno.env.get("DATA") || "data";
const stat = (path: string) => Deno.lstat(path).catch(() => undefined);

help(USAGE);
if (await Deno.stat(data).catch(() => undefined) === undefined) {
  console.log(`Nothing to delete: there is no ${data}`);
} else if (
  // A mistyped variable must not delete more than a demo's data: scripts/demo leaves this mark.
  (await stat(data.replace(/\/+$/, "")))?.isSymlink ||
  !(await stat(`${data}/.reddit-pipeline`))?.isFile
) {
  console.error(`scripts/clean-data: refusing to delete ${data}, which no demo has made`);
  Deno.exit(2);
} else {
  await Deno.remove(data, { recursive: true });
  console.log(`Deleted ${data}`);
}
