/**
 * The page and its resources, read once and served by the job itself.
 *
 * The files lie beside this module, so that `deno compile --include` includes them; the chart
 * library is the npm package, wherever Deno has stored it.
 *
 * @module
 */

import { createRequire } from "node:module";
import { PipelineError } from "@pipeline/core";
// Imported only to locate it: the folder of an npm package cannot be resolved otherwise.
import "uplot";

/** A file of the page. */
export interface Asset {
  /** MIME type. */
  readonly type: string;
  /** The whole file. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Strong entity tag, quotes included. */
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** The page's own files by their path on the server. */
const OWN = {
  "/": "index.html",
  "/page/style.css": "style.css",
  "/page/app.js": "app.js",
  "/page/charts.js": "charts.js",
  "/page/dom.js": "dom.js",
  "/page/format.js": "format.js",
  "/page/health.js": "health.js",
  "/page/horizon.js": "horizon.js",
  "/page/search.js": "search.js",
  "/page/series.js": "series.js",
  "/page/stream.js": "stream.js",
  "/page/icon.svg": "icon.svg",
} as const;

/** The chart library's files. */
const LIBRARY = {
  "/page/uplot.js": "uPlot.iife.min.js",
  "/page/uplot.css": "uPlot.min.css",
} as const;

/** Reads all files. Rejects with `corrupt` if the program was packed without them. */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  const library = libraryFolder();
  const files = [
    ...Object.entries(OWN).map(([path, name]) => [path, new URL(`./${name}`, import.meta.url)]),
    ...Object.entries(LIBRARY).map(([path, name]) => [path, `${library}/${name}`]),
  ] as [string, string | URL][];
  return new Map(
    await Promise.all(files.map(async ([path, file]) => [path, await load(file)] as const)),
  );
}

async function load(file: string | URL): Promise<Asset> {
  const body = await Deno.readFile(file).catch((cause) => {
    throw new PipelineError("corrupt", `The page's file ${file} is missing`, { cause });
  });
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const type = TYPES[String(file).split(".").at(-1)!]!;
  return { type, body, etag: `"${hash.toHex().slice(0, 32)}"` };
}

function libraryFolder(): string {
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  const main = loaded.find((path) => /[/\\]uplot[/\\].*[/\\]uPlot\.[^/\\]*$/.test(path));
  if (main === undefined) throw new PipelineError("corrupt", "The chart library is missing");
  return main.replace(/[/\\][^/\\]*$/, "");
}
