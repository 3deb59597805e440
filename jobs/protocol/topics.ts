/**
 * Checks that the topics exist.
 *
 * @module
 */

import { type EventLog, hasCode, PipelineError, TOPICS } from "@pipeline/core";

/**
 * Resolves if all topics of records exist. If one is missing, set-up has not run yet: jobs call
 * this first and wait for it.
 *
 * @throws {PipelineError} `unavailable` if a topic is missing, or the log does not answer.
 */
export async function topicsAreThere(log: EventLog): Promise<void> {
  try {
    await Promise.all(TOPICS.map((topic) => log.ranges(topic)));
  } catch (cause) {
    if (!hasCode(cause, "not_found")) throw cause;
    throw new PipelineError("unavailable", "Not all topics exist: set-up has not run", {
      cause,
    });
  }
}
