/**
 * A job as a process: configuration from file, environment and flags; logs, health and metrics;
 * visible retries; a shutdown that drains.
 *
 * Exit codes: 0 done or drained, 1 failed (a supervisor restarts it), 2 bad configuration (a
 * restart does not help).
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { parseCommandLine } from "./cli.ts";
import { systemClock } from "./clock.ts";
import { loadConfig } from "./config.ts";
import { errorText, exitCode } from "./exit.ts";
import { Health } from "./health.ts";
import { listen } from "./http.ts";
import { type CommandConfig, commandConfig, type JobSpec } from "./job_spec.ts";
import { createLogger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { opsHandler } from "./ops.ts";
import { type CommandRun, type OpenPorts, type RunningCommand, startCommand } from "./running.ts";
import { runUntilSignal, type SignalSource } from "./shutdown.ts";

/** The process's input and output, which only its `main.ts` may touch. */
export interface ProcessIo {
  /** Arguments of the command line. */
  readonly args: readonly string[];
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
  /** Writes a line to standard error. */
  readonly printError: (line: string) => void;
  /** The process's own signals by default. */
  readonly signals?: SignalSource;
}

/** Runs the command that the arguments name. Returns the exit code. */
export async function runJob<C extends CommandConfig>(
  spec: JobSpec<C>,
  { open, ...io }: ProcessIo & { readonly open: OpenPorts<C> },
): Promise<number> {
  try {
    const line = parseCommandLine(spec, io.args);
    if (line.command === "help") {
      io.print((line as { readonly text: string }).text);
      return 0;
    }
    const { config: path, ...flags } =
      (line as { readonly flags: { readonly config?: string } }).flags;
    const command = spec.commands[line.command]!;
    const config = loadConfig(commandConfig(spec, line.command, flags), {
      file: await readConfigFile(path),
      env: io.env,
      ...(command.args === undefined ? {} : { args: command.args(flags) }),
    });
    return await asProcess(
      config,
      { ...io, name: spec.name },
      (own) => startCommand(spec, line.command, { config, flags, open, ...own }),
    );
  } catch (error) {
    io.printError(errorText(error));
    return exitCode(error);
  }
}

async function readConfigFile(path: string | undefined): Promise<unknown> {
  if (path === undefined) return {};
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? "it is not JSON" : "it cannot be read";
    throw new PipelineError("invalid", `The configuration file ${path} is of no use: ${why}`, {
      cause,
    });
  }
}

/** Runs a command until it ends, or signals end it, and serves its health and metrics. */
async function asProcess(
  { log: { level }, grace, ops }: CommandConfig,
  { name, print, signals }: Pick<ProcessIo, "print" | "signals"> & { readonly name: string },
  start: (own: Omit<CommandRun<never>, "config" | "flags" | "open">) => RunningCommand,
): Promise<number> {
  const logger = createLogger({ sink: print, clock: systemClock, level, fields: { job: name } });
  const metrics = new Metrics();
  const health = new Health(systemClock);
  metrics.collectProcess();
  const server = ops === undefined
    ? undefined
    : listen(opsHandler({ health, metrics }), { ...ops, logger });
  let running: RunningCommand | undefined;
  const work = (signal: AbortSignal) => {
    running = start({ logger, metrics, health, signal, print });
    return crashing(running.done);
  };
  try {
    const ending = await runUntilSignal(work, {
      grace,
      ...(signals === undefined ? {} : { signals }),
      onDrain: (signal) => {
        logger.info("Draining", { signal });
        const why = running?.trouble;
        if (why !== undefined) logger.error(`Stopped while it was still waiting: ${why}`);
      },
    });
    if (ending.how === "forced") {
      logger.error(`Ended before all was done: ${ending.why}`, { signal: ending.signal });
      return 1;
    }
    if (ending.how === "drained") logger.info("Drained");
    return ending.result ?? 0;
  } catch (error) {
    // Unexpected errors are logged with their stack; of a PipelineError, message and code are enough.
    const expected = error instanceof PipelineError;
    logger.error(errorText(error), expected ? { code: error.code } : { error });
    return exitCode(error);
  } finally {
    await server?.shutdown();
    metrics[Symbol.dispose]();
  }
}

/** Also rejects on an unhandled error, such as that of a client's background work. */
function crashing<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    reject(event.reason);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reject(event.error);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return Promise.race([work, promise]).finally(() => {
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("error", onError);
  });
}
