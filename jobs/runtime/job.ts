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
import { type Clock, systemClock } from "./clock.ts";
import { loadConfig } from "./config.ts";
import { errorText, exitCode } from "./exit.ts";
import { Health } from "./health.ts";
import { listen } from "./http.ts";
import { describeJob } from "./job_metrics.ts";
import {
  type CommandConfig,
  commandConfig,
  type JobSpec,
  serversFor,
  type ServersOf,
} from "./job_spec.ts";
import { createLogger, type Logger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { opsHandler } from "./ops.ts";
import { type Closable, openAll } from "./parts.ts";
import { patient, type Ports } from "./patient.ts";
import { retry } from "./retry.ts";
import { runUntilSignal, type SignalSource } from "./shutdown.ts";
import { Trouble, type Watched } from "./trouble.ts";

/** The environment of a job's command. */
export interface Job<C> {
  /** Checked, with defaults filled in. */
  readonly config: C;
  /** JSON lines on standard output. */
  readonly logger: Logger;
  /** What `/metrics` renders. */
  readonly metrics: Metrics;
  /** What `/healthz` and `/readyz` report. */
  readonly health: Health;
  /** The machine's clock. */
  readonly clock: Clock;
  /** Aborted when the process must end. */
  readonly signal: AbortSignal;
  /** Callers with a retry rule of their own report retries here: in log, metrics and readiness. */
  readonly retry: Watched;
  /**
   * Runs work that the job cannot start without, retrying until it succeeds. Until then the job is
   * not ready, and reports why. Rejects with `stopped` if the process must end meanwhile.
   */
  begin<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Writes a line to standard output unchanged. */
  print(line: string): void;
}

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

/** Opens the ports on the servers that a run needs. */
export type OpenPorts<C> = (
  servers: readonly ServersOf<C>[],
  job: Job<C>,
) => Promise<Partial<Ports> & Closable>;

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
    const servers = serversFor(spec, command, config, flags);
    return await new JobProcess(spec.name, config, io).run(
      (job) => servers.length === 0 ? openAll({}) : open(servers, job),
      (ports, job) => command.run(ports, job, flags),
      { impatient: command.impatient === true },
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

  async run(
    open: (job: Job<C>) => Promise<Partial<Ports> & Closable>,
    work: (ports: Partial<Ports>, job: Job<C>) => Promise<number | void>,
    { impatient }: { readonly impatient: boolean },
  ): Promise<number> {
    const logger = this.#logger;
    describeJob(this.#metrics, this.#health);
    const ops = this.#serveOps();
    try {
      const inAll = async (signal: AbortSignal) => {
        const job = this.#job(signal);
        const ports = await job.begin("parts", () => open(job));
        try {
          return await work(impatient ? ports : patient(ports, { ...job.retry, signal }), job);
        } finally {
          await ports.close().catch((error) => logger.warn("Closing broke off", { error }));
        }
      };
      const ending = await runUntilSignal((signal) => this.#crashing(inAll(signal)), {
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
      this.#metrics[Symbol.dispose]();
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
    return {
      config: this.#config,
      logger: this.#logger,
      metrics: this.#metrics,
      health: this.#health,
      clock: systemClock,
      signal,
      retry: shown,
      begin,
      print: this.#io.print,
    };
  }

  /** Also rejects on an unhandled error, such as that of a client's background work. */
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
