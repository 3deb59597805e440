/** The ports on one machine's disk. @module */
export * from "./dataset.ts";
export * from "./lock.ts";
export * from "./log.ts";
