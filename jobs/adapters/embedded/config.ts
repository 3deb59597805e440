/**
 * Configuration of the embedded ports, for jobs that run on one machine without servers.
 *
 * @module
 */

import { text } from "@pipeline/runtime";
import { z } from "zod";

/** Location and access of the embedded ports. */
export interface EmbeddedConfig {
  /** The data folder. */
  readonly folder: string;
  /** See `EmbeddedOptions.access`. */
  readonly access: "own" | "join" | "read";
}

/** Schema of {@linkcode EmbeddedConfig}. */
export const embeddedConfig: z.ZodType<EmbeddedConfig> = z.strictObject({
  folder: text().describe("Folder of the log, the dataset and the store"),
  access: z.enum(["own", "join", "read"]).prefault("join").describe(
    "own: the one process that may append to the log and follow it; join: writes dataset and store, reads the " +
      "log; read: reads",
  ),
});
