/**
 * How a program ends: its exit code, and an error's line of text.
 *
 * @module
 */

import { hasCode } from "@pipeline/core";
import { redactUrls } from "./secrets.ts";

/** Exit code of a program that ended with an error: 2 for bad input or configuration, else 1. */
export function exitCode(error: unknown): 1 | 2 {
  return hasCode(error, "invalid") ? 2 : 1;
}

/** An error as text for people: its message and those of its causes, without credentials. */
export function errorText(error: unknown): string {
  const messages: string[] = [];
  for (let at = error; at !== undefined && messages.length < 5;) {
    const message = at instanceof Error ? at.message || at.name : String(at);
    if (!messages.some((known) => known.includes(message))) messages.push(message);
    at = at instanceof Error ? at.cause : undefined;
  }
  return redactUrls(messages.join(": "));
}
