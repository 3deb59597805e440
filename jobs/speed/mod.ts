/**
 * The speed layer: the log from each generation's horizon, folded as it comes.
 *
 * @module
 */

export { NEEDS, type SpeedConfig, type SpeedSettings } from "./config.ts";
export * from "./generation_fold.ts";
export * from "./speed.ts";
