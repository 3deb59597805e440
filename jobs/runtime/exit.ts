/**
 * How a program ends: the exit code and the line that an error becomes.
 *
 * @module
 */

import { hasCode } from "@pipeline/core";
import { redactUrls } from "./secrets.ts";

/** Exit code of a program that an error ended: 2 for bad input or configuration, else 1. */
export function exitCode(error: unknown): 1 | 2 {
  return hasCode(error, "invalid") ? 2 : 1;
}

/** An error as people read it: its message and those of its causes, without credentials. */
export function errorText(error: unknown): string {
  const messages: string[] = [];
  for (let at = error; at !== undefined && messages.length < 5;) {
    const message = at instanceof Error ? at.message || at.name : String(at);
    if (!messages.some((known) => known.includes(message))) messages.push(message);
    at = at instanceof Error ? at.cause : undefined;
  }
  return redactUrls(messages.join(": "));
}
