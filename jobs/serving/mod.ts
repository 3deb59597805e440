/**
 * The serving layer: merged answers over HTTP, and the page that shows them.
 *
 * @module
 */

export * from "./app.ts";
export * from "./config.ts";
export { type Asset, loadAssets } from "./page/mod.ts";
export type { FoldedOffsets, LogEnds, Provenance } from "./queries/reading.ts";
export * from "./server.ts";
