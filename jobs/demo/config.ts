/**
 * The command-line options of the whole pipeline in one process.
 *
 * @module
 */

import { RATE_FORMS } from "@pipeline/generator";
import { generator } from "@pipeline/generator/job";
import { duration, integer, port, text } from "@pipeline/runtime";
import { z } from "zod";

const data = text().prefault("./data").describe("Folder of all stored data.");

const servers = text().optional().describe(
  "File with the configuration of real servers (scripts/servers config), which replace the folder's own ports.",
);

/** A rate such as `100`, or a profile such as `10..1000 over 5m`: whatever the generator takes. */
const rate = text().refine(
  (value) => generator.config.safeParse({ realtime: { rate: value } }).success,
  { error: `${RATE_FORMS}, where a burst is shorter than its period` },
);

/** Flags of `demo`. Times in milliseconds. */
export const demoFlags = z.strictObject({
  duration: duration({ min: 1_000 }).optional()
    .describe("End by itself after this long of live records, with a verification."),
  "next-generation": duration({ min: 1_000 }).prefault("45s")
    .describe("Time from the first live record until the next generation is built."),
  "warm-up": duration().prefault("0s")
    .describe("Time at the beginning of live records whose latencies are not measured."),
  grace: duration({ min: 1_000 }).prefault("90s")
    .describe(
      "Longest time from Ctrl-C, or the end of the duration, until all is drained and verified.",
    ),
  port: port().prefault(30080).describe("Where the API and the page are served."),
  data,
  servers,
  rate: rate.prefault("100")
    .describe('Live records a second, e.g. "100" or "10..1000 over 5m"; 0 produces none.'),
  seed: integer().prefault(1).describe("Seed of the generated records."),
  scale: z.number().positive().max(1_000).prefault(0.3)
    .describe("Size of the generated history; 1 is 350,000 records in 7 days."),
  posts: z.array(text()).prefault([])
    .describe("Archives of submissions (RS_*.zst) in place of the generated history."),
  comments: z.array(text()).prefault([])
    .describe("Archives of comments (RC_*.zst) in place of the generated history."),
});

/** Checked flags of `demo`. */
export type DemoFlags = z.output<typeof demoFlags>;

/** Flags of `verify`. */
export const dataFlags = z.strictObject({ data, servers });
