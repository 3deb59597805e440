/**
 * A job as a process: configuration from file, environment and flags; logs, health and
 * metrics; retries that show; an end that drains.
 *
 * Exit codes: 0 done or drained, 1 failed (a supervisor starts it again), 2 bad
 * configuration (starting it again does not help).
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";
import { z } from "zod";
import { type Command, parseCommandLine } from "./cli.ts";
import { type Clock, systemClock } from "./clock.ts";
import { loadConfig } from "./config.ts";
import { errorText, exitCode } from "./exit.ts";
import { text } from "./fields.ts";
import { Health } from "./health.ts";
import { listen } from "./http.ts";
import type { OpsConfig, ProcessConfig } from "./job_config.ts";
import { describeJob } from "./job_metrics.ts";
import { createLogger, type Logger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { opsHandler } from "./ops.ts";
import type { Closable } from "./parts.ts";
import { type Patient, patient, type Ports } from "./patient.ts";
import { retry } from "./retry.ts";
import { runUntilSignal, type SignalSource } from "./shutdown.ts";
import { Trouble, type Watched } from "./trouble.ts";

/** What a job's command works with. */
export interface Job<C> {
  /** Checked, with defaults filled in. */
  readonly config: C;
  /** JSON lines on standard output. */
  readonly logger: Logger;
  /** What `/metrics` renders. */
  readonly metrics: Metrics;
  /** What `/healthz` and `/readyz` report. */
  readonly health: Health;
  /** The machine's time. */
  readonly clock: Clock;
  /** Aborted once the process is told to end. */
  readonly signal: AbortSignal;
  /** Whoever tries something again by a rule of its own shows it here: in log, metrics and readiness. */
  readonly retry: Watched;
  /**
   * Does what the job cannot begin without, as often as it takes. Until then the job is not
   * ready, and says why. Rejects with `stopped` where the process is told to end meanwhile.
   */
  begin<T>(name: string, work: () => Promise<T>): Promise<T>;
  /**
   * Opens parts, as {@linkcode begin} does; does work with them; lets go of them. Calls of the
   * ports are tried again without end, see {@linkcode patient}.
   */
  using<P extends Closable & Partial<Ports>, T>(
    open: () => Promise<P>,
    work: (parts: Patient<P>) => Promise<T>,
  ): Promise<T>;
  /** As {@linkcode using}, for work that answers others: its calls fail as soon as they do. */
  usingOnce<P extends Closable, T>(
    open: () => Promise<P>,
    work: (parts: P) => Promise<T>,
  ): Promise<T>;
  /** Writes a line to standard output as it is. */
  print(line: string): void;
}

/** One thing that a job can do. Made by {@linkcode jobCommand}. */
export interface JobCommand extends Command {
  /** Reads the configuration and does it. Returns the exit code. */
  execute(name: string, flags: unknown, io: ProcessIo): Promise<number>;
}

/** The configuration that every command has. */
export type CommandConfig = ProcessConfig & { readonly ops?: OpsConfig };

/** What a {@linkcode JobCommand} is made of. */
export interface JobCommandOptions<C extends CommandConfig, F extends z.ZodObject> {
  /** One line: what it does. */
  readonly summary: string;
  /** Schema of the configuration. Where it has `ops`, health and metrics are served there. */
  readonly config: z.ZodType<C>;
  /** Flags besides `--config`. */
  readonly flags: F;
  /** Members of the configuration that flags set; `undefined` sets nothing. */
  readonly args?: (flags: z.output<F>) => Readonly<Record<string, unknown>>;
  /** Does it. Returns the exit code; 0 where it returns nothing. */
  run(job: Job<C>, flags: z.output<F>): Promise<number | void>;
}

/** What a process has and only its `main.ts` may touch. */
export interface ProcessIo {
  /** Arguments of the command line. */
  readonly args: readonly string[];
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes a line for standard output. */
  readonly print: (line: string) => void;
  /** Takes a line for standard error. */
  readonly printError: (line: string) => void;
  /** Those of the process where not given. */
  readonly signals?: SignalSource;
}

/** A job with its commands. */
export interface JobProgram {
  /** As it is called on a command line. */
  readonly name: string;
  /** One or two lines: what the job is for. */
  readonly summary: string;
  /** What it can do. */
  readonly commands: Readonly<Record<string, JobCommand>>;
}

const configFlag = {
  config: text().optional().describe("File with the configuration, JSON."),
};

/** Makes a command of a job. */
export function jobCommand<C extends CommandConfig, F extends z.ZodObject>(
  options: JobCommandOptions<C, F>,
): JobCommand {
  const { summary, config, flags, args, run } = options;
  return {
    summary,
    flags: z.strictObject({ ...configFlag, ...flags.shape }),
    execute: async (name, given, io) => {
      const { config: path, ...rest } = given as { readonly config?: string };
      const own = rest as z.output<F>;
      const checked = loadConfig(config, {
        file: await readConfigFile(path),
        env: io.env,
        ...(args === undefined ? {} : { args: args(own) }),
      });
      return await new JobProcess(name, checked, io).run((job) => run(job, own));
    },
  };
}

/** Runs a job's program. Returns the exit code. */
export async function runJob(program: JobProgram, io: ProcessIo): Promise<number> {
  try {
    const line = parseCommandLine(program, io.args);
    if (line.command === "help") {
      io.print((line as { readonly text: string }).text);
      return 0;
    }
    const { flags } = line as { readonly flags: unknown };
    return await program.commands[line.command]!.execute(program.name, flags, io);
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
    const why = cause instanceof SyntaxError ? "it is no JSON" : "it cannot be read";
    throw new PipelineError("invalid", `The configuration file ${path} is of no use: ${why}`, {
      cause,
    });
  }
}

class JobProcess<C extends CommandConfig> {
  readonly #config: C;
  readonly #io: ProcessIo;
  readonly #logger: Logger;
  readonly #metrics = new Metrics();
  readonly #health = new Health(systemClock);
  readonly #trouble: Trouble;

  constructor(name: string, config: C, io: ProcessIo) {
    this.#config = config;
    this.#io = io;
    const { level } = config.log;
    this.#logger = createLogger({
      sink: io.print,
      clock: systemClock,
      level,
      fields: { job: name },
    });
    this.#trouble = new Trouble({
      health: this.#health,
      metrics: this.#metrics,
      logger: this.#logger,
    });
  }

  async run(work: (job: Job<C>) => Promise<number | void>): Promise<number> {
    const logger = this.#logger;
    describeJob(this.#metrics, this.#health);
    const ops = this.#serveOps();
    try {
      const ending = await runUntilSignal((signal) => this.#crashing(work(this.#job(signal))), {
        grace: this.#config.grace,
        ...(this.#io.signals === undefined ? {} : { signals: this.#io.signals }),
        onDrain: (signal) => {
          logger.info("Draining", { signal });
          const { why } = this.#trouble;
          if (why !== undefined) logger.error(`Told to end while it still waited: ${why}`);
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
      await ops?.shutdown();
    }
  }

  #serveOps(): Deno.HttpServer | undefined {
    const { ops } = this.#config;
    if (ops === undefined) return undefined;
    const handler = opsHandler({ health: this.#health, metrics: this.#metrics });
    return listen(handler, { ...ops, logger: this.#logger });
  }

  #job(signal: AbortSignal): Job<C> {
    const shown = this.#trouble.retry;
    const begin: Job<C>["begin"] = async (name, work) => {
      const gate = this.#health.gate(name);
      const result = await retry(work, {
        ...shown,
        signal,
        onRetry: (notice) => {
          gate.close(errorText(notice.error));
          shown.onRetry(notice);
        },
      });
      gate.open();
      return result;
    };
    const usingOnce: Job<C>["usingOnce"] = async (open, work) => {
      const parts = await begin("parts", open);
      try {
        return await work(parts);
      } finally {
        await parts.close().catch((error) => this.#logger.warn("Closing broke off", { error }));
      }
    };
    return {
      config: this.#config,
      logger: this.#logger,
      metrics: this.#metrics,
      health: this.#health,
      clock: systemClock,
      signal,
      retry: shown,
      begin,
      using: (open, work) => usingOnce(open, (parts) => work(patient(parts, { ...shown, signal }))),
      usingOnce,
      print: this.#io.print,
    };
  }

  /** Also rejects with what nobody has caught: a client's background work that broke. */
  #crashing<T>(work: Promise<T>): Promise<T> {
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
}
