/**
 * Whether the topics are there.
 *
 * @module
 */

import { type EventLog, hasCode, PipelineError, TOPICS } from "@pipeline/core";

/**
 * Resolves where all topics of records are there. Where one is missing, set-up has not been
 * done yet: whoever begins with this waits for it.
 *
 * @throws {PipelineError} `unavailable` where a topic is missing, or the log does not answer.
 */
export async function topicsAreThere(log: EventLog): Promise<void> {
  try {
    await Promise.all(TOPICS.map((topic) => log.ranges(topic)));
  } catch (cause) {
    if (!hasCode(cause, "not_found")) throw cause;
    throw new PipelineError("unavailable", "The topics are not all there: set-up is not done", {
      cause,
    });
  }
}
