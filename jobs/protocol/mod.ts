/**
 * The agreements between jobs beyond the algebra: the dataset's layout and commit log, generations
 * and their manifests, and how a partition is continued.
 *
 * @module
 */

export * from "./ahead.ts";
export * from "./commit.ts";
export * from "./commits.ts";
export * from "./continuity.ts";
export * from "./files.ts";
export * from "./generations.ts";
export * from "./json_lines.ts";
export * from "./lag.ts";
export * from "./latency.ts";
export * from "./last_record.ts";
export * from "./layout.ts";
export * from "./ledger.ts";
export * from "./local_parts.ts";
export * from "./outcomes.ts";
export * from "./parts.ts";
export * from "./topics.ts";
