/**
 * All jobs in one process.
 *
 * @module
 */

export { verifyFolder } from "./check.ts";
export * from "./config.ts";
export * from "./demo.ts";
export { type Place, readPlace } from "./place.ts";
