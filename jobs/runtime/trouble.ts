/**
 * Shows what is being tried again: in the log, in metrics, and in readiness for as
 * long as it lasts.
 *
 * @module
 */

import { errorText } from "./exit.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { PatientOptions } from "./patient.ts";
import type { RetryNotice } from "./retry.ts";

/** Where trouble shows. */
export interface TroubleOptions {
  /** Not ready while anything is tried again, and live since it is. */
  readonly health: Health;
  /** Gets `job_retries_total` and `job_retrying`. */
  readonly metrics: Metrics;
  /** Told of the first retries of a call, then of ever fewer. */
  readonly logger: Logger;
}

/** How calls are tried again, and whoever is told of it. */
export type Watched = Required<Pick<PatientOptions, "onRetry" | "onSettled" | "onSlow">>;

/** What is being tried again; see the module. */
export class Trouble {
  /** How calls are tried again: without end, as long as it can help. */
  readonly retry: Watched;
  #failing = 0;
  #last: RetryNotice | undefined;

  /** Nothing is being tried again yet. */
  constructor({ health, metrics, logger }: TroubleOptions) {
    const retries = metrics.counter("job_retries_total", {
      help: "Calls that were tried again because a dependency did not answer or refused.",
      labels: { code: ["unavailable", "full"] },
    });
    metrics.gauge("job_retrying", {
      help: "Calls that failed and are being tried again now.",
      collect: (gauge) => gauge.set(this.#failing),
    });
    health.condition("dependencies", () => this.why);
    const logged = logRetries(logger);
    this.retry = {
      onRetry: (notice) => {
        if (notice.attempt === 1) this.#failing++;
        this.#last = notice;
        health.tryAgain();
        retries.add(1, { code: notice.error.code === "full" ? "full" : "unavailable" });
        logged.onRetry(notice);
      },
      onSettled: (attempts, ok) => {
        this.#failing--;
        logged.onSettled(attempts, ok);
      },
      onSlow: logged.onSlow,
    };
  }

  /** What is tried again now, and why it failed; nothing where all is well. */
  get why(): string | undefined {
    if (this.#failing === 0 || this.#last === undefined) return undefined;
    return `tried ${this.#last.attempt} times: ${errorText(this.#last.error)}`;
  }
}

/**
 * Logs what is tried again: the first, second, fourth, eighth, ... time that something of a kind
 * fails before all is well again. An outage of hours, met by many calls, is no flood of lines.
 */
export function logRetries(logger: Pick<Logger, "info" | "warn">): Watched {
  const failures = new Map<string, number>();
  let failing = 0;
  return {
    onRetry: ({ attempt, delay, error }) => {
      if (attempt === 1) failing++;
      const text = errorText(error);
      // Paths and numbers tell calls apart, not what is wrong.
      const kind = text.replaceAll(/\S*[\d/]\S*/g, "");
      const count = (failures.get(kind) ?? 0) + 1;
      failures.set(kind, count);
      if ((count & (count - 1)) !== 0) return;
      logger.warn(`Trying again: ${text}`, {
        attempt,
        delay_ms: Math.round(delay),
        code: error.code,
      });
    },
    onSettled: (attempts, ok) => {
      failing--;
      if (!ok || failing > 0) return;
      failures.clear();
      logger.info("Succeeded in the end", { attempts });
    },
    onSlow: (what, waited) => logger.info(`Still waiting: ${what}`, { waited_ms: waited }),
  };
}
