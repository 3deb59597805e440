/**
 * The charts: their generated files, and their rendering.
 *
 * @module
 */

export { difference } from "./_difference.ts";
export { objectTexts } from "./_object_text.ts";
export * from "./generated.ts";
export * from "./golden.ts";
export * from "./immutable.ts";
export * from "./render.ts";
export * from "./values.ts";
