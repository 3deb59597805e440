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
import type { RetryNotice, RetryOptions } from "./retry.ts";

/** Where trouble shows. */
export interface TroubleOptions {
  /** Not ready while anything is tried again, and live since it is. */
  readonly health: Health;
  /** Gets `job_retries_total` and `job_retrying`. */
  readonly metrics: Metrics;
  /** Told of the first retries of a call, then of ever fewer. */
  readonly logger: Logger;
}

/** What is being tried again; see the module. */
export class Trouble {
  /** How calls are tried again: without end, as long as it can help. */
  readonly retry: RetryOptions;

  /** Nothing is being tried again yet. */
  constructor({ health, metrics, logger }: TroubleOptions) {
    const retries = metrics.counter("job_retries_total", {
      help: "Calls that were tried again because a dependency did not answer or refused.",
      labels: { code: ["unavailable", "full"] },
    });
    let failing = 0;
    let last: RetryNotice | undefined;
    metrics.gauge("job_retrying", {
      help: "Calls that failed and are being tried again now.",
      collect: (gauge) => gauge.set(failing),
    });
    health.condition(
      "dependencies",
      () =>
        failing === 0 || last === undefined
          ? undefined
          : `tried ${last.attempt} times: ${errorText(last.error)}`,
    );
    this.retry = {
      onRetry: (notice) => {
        const { attempt, delay, error } = notice;
        if (attempt === 1) failing++;
        last = notice;
        health.tryAgain();
        retries.add(1, { code: error.code === "full" ? "full" : "unavailable" });
        // The first, second, fourth, eighth, ... time: an outage of hours is no flood of lines.
        if ((attempt & (attempt - 1)) !== 0) return;
        logger.warn(`Trying again: ${errorText(error)}`, {
          attempt,
          delay_ms: Math.round(delay),
          code: error.code,
        });
      },
      onSettled: (attempts, ok) => {
        failing--;
        if (ok) logger.info("Succeeded in the end", { attempts });
      },
    };
  }
}
