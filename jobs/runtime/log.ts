/**
 * Structured logs: one JSON object a line, with `level`, `time` and `msg` first.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { presentable, redactUrls } from "./secrets.ts";

/** Levels, in ascending order of importance. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** How important a line is. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields of a line beside its message. Members whose key names a credential are redacted. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes log lines. */
export interface Logger {
  /** Details for debugging. */
  debug(msg: string, fields?: LogFields): void;
  /** Events of interest to an operator. */
  info(msg: string, fields?: LogFields): void;
  /** Potential problems, and problems that were overcome. */
  warn(msg: string, fields?: LogFields): void;
  /** Problems that need attention. An `error` field is shown with its code, stack and causes. */
  error(msg: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

/** Options of {@linkcode createLogger}. */
export interface LoggerOptions {
  /** Writes one line, given without its line end. */
  readonly sink: (line: string) => void;
  /** Source of the time of each line. */
  readonly clock: Pick<Clock, "now">;
  /** The least important level that is written; `info` by default. */
  readonly level?: LogLevel;
  /** Fields of every line. */
  readonly fields?: LogFields;
}

/** A logger that writes to a sink. */
export function createLogger(options: LoggerOptions): Logger {
  const { sink, clock, level = "info", fields = {} } = options;
  const write = (at: LogLevel) => (msg: string, more: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(at) < LOG_LEVELS.indexOf(level)) return;
    const head = { level: at, time: new Date(clock.now()).toISOString(), msg: redactUrls(msg) };
    const shown = presentable({ ...fields, ...more }) as object;
    // `head` comes first to fix the order of keys, and last to keep callers from overriding its keys.
    sink(JSON.stringify({ ...head, ...shown, ...head }));
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: (more) => createLogger({ ...options, fields: { ...fields, ...more } }),
  };
}
