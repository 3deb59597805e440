/**
 * The speed layer: a continuous fold of the log from each generation's horizon.
 *
 * @module
 */

export { NEEDS, type PartsConfig, type SpeedConfig, type SpeedSettings } from "./config.ts";
export * from "./events.ts";
export * from "./generation_fold.ts";
export * from "./pace.ts";
export * from "./speed.ts";
export * from "./turns.ts";
