/**
 * The folds of speed, asked over HTTP.
 *
 * @module
 */

export { openParts, PartsClient, type PartsOptions } from "./client.ts";
export type { Resolve } from "./_addresses.ts";
export { type PartsConfig, partsConfig, type PartsInput } from "./config.ts";
