/**
 * Stand-in for `jsr:@std/cli`, used only where JSR cannot be reached.
 *
 * @module
 */

export * from "./parse_args.ts";
