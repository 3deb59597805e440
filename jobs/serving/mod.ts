/**
 * The serving layer: merged answers over HTTP, and the page that shows them.
 *
 * @module
 */

export * from "./app.ts";
export * from "./config.ts";
export { type Asset, loadAssets } from "./page/mod.ts";
export type { FoldedOffsets, FoldedSources, Provenance } from "./reading/provenance.ts";
export type { PartSource } from "./reading/round.ts";
export type { LogEnds } from "./reading/source.ts";
export * from "./server.ts";
