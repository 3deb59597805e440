/**
 * The seeded model of user activity behind history and live traffic.
 *
 * @module
 */

export { Model, type ModelOptions } from "./model.ts";
export type { Population, Registration } from "./population.ts";
export { Random } from "./random.ts";
export { Zipf } from "./zipf.ts";
