/**
 * A running command of a job, alone in its process or beside others.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { errorText } from "./exit.ts";
import { Health } from "./health.ts";
import { describeJob } from "./job_metrics.ts";
import { type CommandConfig, type JobSpec, serversFor, type ServersOf } from "./job_spec.ts";
import type { Logger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { type Closable, openAll } from "./parts.ts";
import { patient, type Ports } from "./patient.ts";
import { retry } from "./retry.ts";
import { Trouble, type Watched } from "./trouble.ts";

/** The environment of a job's command. */
export interface Job<C> {
  /** Checked, with defaults filled in. */
  readonly config: C;
  /** JSON lines; on standard output if the job is a process. */
  readonly logger: Logger;
  /** What `/metrics` renders. */
  readonly metrics: Metrics;
  /** What `/healthz` and `/readyz` report. */
  readonly health: Health;
  /** The machine's clock. */
  readonly clock: Clock;
  /** Aborted when the command must end. */
  readonly signal: AbortSignal;
  /** Callers with a retry rule of their own report retries here: in log, metrics and readiness. */
  readonly retry: Watched;
  /**
   * Runs work that the job cannot start without, retrying until it succeeds. Until then the job is
   * not ready, and reports why. Rejects with `stopped` if the command must end meanwhile.
   */
  begin<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Writes a line to standard output unchanged. */
  print(line: string): void;
}

/** Opens the ports on the servers that a run needs. */
export type OpenPorts<C> = (
  servers: readonly ServersOf<C>[],
  job: Job<C>,
) => Promise<Partial<Ports> & Closable>;

/** The inputs of one run of a command. Without `metrics` and `health`, the run makes its own. */
export interface CommandRun<C>
  extends
    Pick<Job<C>, "config" | "logger" | "signal" | "print">,
    Partial<Pick<Job<C>, "metrics" | "health">> {
  /** Validated by the command's schema. */
  readonly flags: unknown;
  /** Opens the command's ports, which are closed when the command ends. */
  readonly open: OpenPorts<C>;
}

/** A running command. */
export interface RunningCommand extends Pick<Job<never>, "metrics" | "health"> {
  /**
   * Resolves with the exit code. Rejects with the command's failure, or with `stopped` if the command
   * was ended while it waited.
   */
  readonly done: Promise<number>;
  /** The call that is being retried now and its failure; undefined if there is none. */
  readonly trouble: string | undefined;
}

/**
 * Starts a command of a job. Calls of its ports are retried without limit, unless the command is
 * impatient.
 */
export function startCommand<C extends CommandConfig>(
  spec: JobSpec<C>,
  name: string,
  { config, flags, open, logger, signal, print, ...own }: CommandRun<C>,
): RunningCommand {
  const { metrics = new Metrics(), health = new Health(systemClock) } = own;
  const command = spec.commands[name]!;
  const servers = serversFor(spec, command, config, flags);
  const trouble = new Trouble({ health, metrics, logger });
  const shown = trouble.retry;
  describeJob(metrics, health);
  const begin: Job<C>["begin"] = async (name, work) => {
    const gate = health.gate(name);
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
  const run = async () => {
    const about = { config, logger, metrics, health, clock: systemClock, signal, retry: shown };
    const job: Job<C> = { ...about, begin, print };
    const ports = await begin(
      "parts",
      () => servers.length === 0 ? openAll({}) : open(servers, job),
    );
    try {
      const given = command.impatient === true ? ports : patient(ports, { ...shown, signal });
      return await command.run(given, job, flags) ?? 0;
    } finally {
      await ports.close().catch((error) => logger.warn("Closing broke off", { error }));
    }
  };
  return {
    done: run(),
    metrics,
    health,
    get trouble() {
      return trouble.why;
    },
  };
}
