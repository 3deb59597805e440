/**
 * The speed layer: a continuous fold of the log from each generation's horizon.
 *
 * @module
 */

export { NEEDS, type SpeedConfig, type SpeedSettings } from "./config.ts";
export * from "./generation_fold.ts";
export * from "./speed.ts";
