/**
 * Jobs as in their processes, on parts that are there already.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { command, type CommandConfig, type Job, openAll, runJob } from "@pipeline/runtime";
import type { z } from "zod";
import { freePort } from "../support/demo.ts";

/** A job that runs, and how to look at it and end it. */
export interface Running {
  metrics(): Promise<string>;
  /** Why it is ready, or is not. */
  readyz(): Promise<string>;
  isLive(): Promise<boolean>;
  end(): Promise<void>;
}

/** Runs a command of a job as its main.ts does, but on parts that are there already. */
export function start<C extends CommandConfig>(
  folder: string,
  name: string,
  schema: z.ZodType<C>,
  settings: Readonly<Record<string, unknown>>,
  run: (job: Job<C>) => Promise<number | void>,
): Running {
  const port = freePort();
  const path = `${folder}/${name}.json`;
  const ops = { host: "127.0.0.1", port };
  Deno.writeTextFileSync(path, JSON.stringify({ embedded: { folder }, ops, ...settings }));
  let end = () => {};
  const lines: string[] = [];
  const code = runJob({
    name,
    summary: name,
    config: schema,
    needs: [],
    commands: { run: command<C>({ summary: "Runs", run: (_, job) => run(job) }) },
  }, {
    open: () => openAll({}),
    args: ["run", `--config=${path}`],
    env: {},
    print: (line) => lines.push(line),
    printError: (line) => lines.push(line),
    signals: {
      listen: (listener) => {
        end = () => listener("SIGTERM");
        return () => {};
      },
    },
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  return {
    metrics: () => get("/metrics").then((answer) => answer.text()),
    readyz: () => get("/readyz").then((answer) => answer.text()),
    isLive: async () => {
      const answer = await get("/healthz");
      await answer.body?.cancel();
      return answer.ok;
    },
    end: async () => {
      end();
      assertEquals(await code, 0, lines.join("\n"));
    },
  };
}
