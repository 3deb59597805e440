/**
 * Reports retries: in the log, in metrics, and in readiness while they last.
 *
 * @module
 */

import { errorText } from "./exit.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { PatientOptions } from "./patient.ts";
import type { RetryNotice } from "./retry.ts";

/** Destinations of the reports. */
export interface TroubleOptions {
  /** Not ready while any call is retried, but live, since it is. */
  readonly health: Health;
  /** Gets `job_retries_total` and `job_retrying`. */
  readonly metrics: Metrics;
  /** Logs the first retries of a call, then ever fewer. */
  readonly logger: Logger;
}

/** Callbacks on retries. */
export type Watched = Required<Pick<PatientOptions, "onRetry" | "onSettled" | "onSlow">>;

/** The calls that are being retried; see the module. */
export class Trouble {
  /** Callbacks for calls that are retried without end, as long as a retry can help. */
  readonly retry: Watched;
  #failing = 0;
  #last: RetryNotice | undefined;

  /** Creates a report without retries. */
  constructor({ health, metrics, logger }: TroubleOptions) {
    const retries = metrics.counter("job_retries_total", {
      help: "Calls that were retried because a dependency did not answer or refused.",
      labels: { code: ["unavailable", "full"] },
    });
    metrics.gauge("job_retrying", {
      help: "Calls that failed and are being retried now.",
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

  /** The calls that are retried now, with their errors; `undefined` if there are none. */
  get why(): string | undefined {
    if (this.#failing === 0 || this.#last === undefined) return undefined;
    return `tried ${this.#last.attempt} times: ${errorText(this.#last.error)}`;
  }
}

/**
 * Logs retries: the first, second, fourth, eighth, ... failure of a kind of call until no call
 * fails any more. An outage of hours that affects many calls does not flood the log.
 */
export function logRetries(logger: Pick<Logger, "info" | "warn">): Watched {
  const failures = new Map<string, number>();
  let failing = 0;
  return {
    onRetry: ({ attempt, delay, error }) => {
      if (attempt === 1) failing++;
      const text = errorText(error);
      // Paths and numbers distinguish calls, not failures.
      const kind = text.replaceAll(/\S*[\d/]\S*/g, "");
      const count = (failures.get(kind) ?? 0) + 1;
      failures.set(kind, count);
      if ((count & (count - 1)) !== 0) return;
      logger.warn(`Retrying: ${text}`, {
        attempt,
        delay_ms: Math.round(delay),
        code: error.code,
      });
    },
    onSettled: (attempts, ok) => {
      failing--;
      if (!ok || failing > 0) return;
      failures.clear();
      logger.info("Succeeded after retries", { attempts });
    },
    onSlow: (what, waited) => logger.info(`Still waiting: ${what}`, { waited_ms: waited }),
  };
}
