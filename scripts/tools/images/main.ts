/**
 * Images from the command line.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { errorText, exitCode, parseCommandLine, text } from "@pipeline/runtime";
import { z } from "zod";
import { STAND_INS, standInRecipe } from "../../offline/images/mod.ts";
import { agentRecipe, AGENTS } from "./agent.ts";
import { build, type Built, type Recipe } from "./build.ts";
import { type JobImageOptions, jobRecipe, layOutRoot } from "./job_image.ts";
import { type JobName, JOBS } from "./jobs.ts";
import { load } from "./load.ts";
import { measure } from "./measure.ts";

const NAMES = [...JOBS, ...AGENTS, ...STAND_INS] as const;

type Name = (typeof NAMES)[number];

const program = {
  name: "scripts/images",
  summary: "Images of the jobs and of the JMX exporter, and stand-ins for the servers' images.",
  fallback: "build",
  commands: {
    build: {
      summary: "Build the missing images, and print the paths of their archives.",
      flags: z.strictObject({
        servers: z.boolean().default(false)
          .describe("Build stand-ins for the servers' images too, for tests without a registry."),
        only: z.array(z.enum(NAMES)).optional().describe(`Build these: ${NAMES.join(", ")}.`),
        load: z.boolean().default(false)
          .describe("Load them into the cluster of kubectl's context; see docs/images.md."),
        measure: z.boolean().default(false)
          .describe("Measure the size and the start-up time of the jobs' images."),
        otel: z.boolean().default(false).describe(
          "Compile OpenTelemetry into the jobs' images, whose tags then end in -otel; see docs/metrics.md.",
        ),
        revision: text().optional().describe("Commit to record in the jobs' images."),
        root: text().optional().describe(
          "Lay out the root file system of the job named by --only in this new folder; build no image.",
        ),
      }),
    },
  },
} as const;

async function main(args: readonly string[]): Promise<number> {
  const line = parseCommandLine(program, args);
  if (line.command === "help") {
    console.log(line.text);
    return 0;
  }
  const { servers, only, revision, otel, root, ...flags } = line.flags;
  const names = only ?? [...JOBS, ...AGENTS, ...servers ? STAND_INS : []];
  if (root !== undefined) {
    const [job, ...others] = names;
    if (!isJob(job) || others.length > 0) {
      throw new PipelineError("invalid", "--root lays out one job, which --only must name");
    }
    await layOutRoot(job, root);
    return 0;
  }
  const built: Built[] = [];
  for (const name of names) {
    const image = await build(await recipeOf(name, { revision, otel }));
    built.push(image);
    console.log(`${image.reference.padEnd(32)} ${image.id.slice(0, 19)}  ${image.archive}`);
  }
  if (flags.load) {
    const way = await load(built.map(({ archive }) => archive));
    console.log(`\nLoaded into ${way}`);
  }
  if (flags.measure) await report(built.filter(({ name }) => isJob(name)));
  return 0;
}

async function recipeOf(name: Name, options: JobImageOptions): Promise<Recipe> {
  if (isJob(name)) return await jobRecipe(name, options);
  if (isOneOf(AGENTS, name)) return await agentRecipe();
  return await standInRecipe(name);
}

async function report(images: readonly Built[]): Promise<void> {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const seconds = (milliseconds: number) => `${(milliseconds / 1e3).toFixed(2)} s`;
  console.log("\n| job | binary | image, compressed | start | processor time | memory |");
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const image of images) {
    const { name, binary, compressed, start, processor, memory } = await measure(image);
    const cells = [name, megabytes(binary), megabytes(compressed), seconds(start)];
    console.log(`| ${[...cells, seconds(processor), megabytes(memory)].join(" | ")} |`);
  }
}

function isJob(name: string | undefined): name is JobName {
  return isOneOf(JOBS, name);
}

function isOneOf<T extends string>(names: readonly T[], name: string | undefined): name is T {
  return names.some((one) => one === name);
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(errorText(error));
  Deno.exit(exitCode(error));
}
