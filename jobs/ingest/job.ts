/**
 * The ingest job as one value.
 *
 * @module
 */

import { command, type JobSpec, text } from "@pipeline/runtime";
import { type IngestConfig, ingestConfig, NEEDS } from "./config.ts";
import { checkUp, commitLoads, runIngest, setUp } from "./pipeline.ts";

/** The ingest job. */
export const ingest: JobSpec<IngestConfig> = {
  name: "ingest",
  summary: "Ingest: historical loads and the log into the master dataset, each record once.",
  config: ingestConfig,
  needs: NEEDS,
  commands: {
    run: command({ summary: "Ingest the log until stopped.", run: runIngest }),
    bootstrap: command({
      summary: "Commit the historical loads that wait in staging. Repeating it changes nothing.",
      needs: ["hdfs"],
      flags: { load: text().optional().describe("Name of the only load to commit.") },
      run: ({ dataset }, job, { load }) => commitLoads(dataset, job, load),
    }),
    setup: command({
      summary: "Create topics and folders, or check them. Repeating it changes nothing.",
      run: setUp,
    }),
    check: command({
      summary: "Check the topics, and that the dataset stores a file. Creates nothing.",
      run: checkUp,
    }),
  },
};
