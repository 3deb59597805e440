/**
 * The serving job as one value.
 *
 * @module
 */

import { command, type JobSpec } from "@pipeline/runtime";
import { NEEDS, type ServingConfig, servingConfig } from "./config.ts";
import { runServing } from "./pipeline.ts";

/** The serving job. */
export const serving: JobSpec<ServingConfig> = {
  name: "serving",
  summary: "The serving layer: merged answers over HTTP, and a page that shows them.",
  config: servingConfig,
  needs: NEEDS,
  commands: {
    run: command({
      summary: "Answer requests until stopped.",
      impatient: true,
      run: runServing,
    }),
  },
};
