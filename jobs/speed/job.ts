/**
 * The speed job as one value.
 *
 * @module
 */

import { command, type JobSpec } from "@pipeline/runtime";
import { z } from "zod";
import { NEEDS, type SpeedConfig, speedConfig } from "./config.ts";
import { runSpeed } from "./pipeline.ts";

/** The speed job. */
export const speed: JobSpec<SpeedConfig> = {
  name: "speed",
  summary: "The speed layer: the log from each generation's horizon, folded as it comes.",
  config: speedConfig,
  needs: NEEDS,
  commands: {
    run: command({
      summary: "Fold until stopped.",
      flags: {
        standby: z.boolean().optional()
          .describe("Fold and answer beside the writers, and write nothing."),
      },
      args: ({ standby }) => ({ standby }),
      run: runSpeed,
    }),
  },
};
