/**
 * Progress for a person at a running program: one updating line on a terminal, occasional plain
 * lines elsewhere.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** The destination of progress output. */
export interface Terminal {
  /** Writes text unchanged. */
  write(text: string): void;
  /** Whether lines can be overwritten. */
  readonly interactive: boolean;
  /** Width in characters; read each time, since windows are resized. */
  columns(): number;
}

/** Options of {@linkcode Progress}. */
export interface ProgressOptions {
  /** The destination. */
  readonly terminal: Terminal;
  /** Times the updates. */
  readonly clock: Pick<Clock, "monotonic">;
  /** Least milliseconds between two updates on a terminal; 100 by default. */
  readonly interval?: number;
  /** Least milliseconds between two plain lines; 10,000 by default. */
  readonly plainInterval?: number;
}

/** A step of known length. */
export interface Bar {
  /** Updates the amount done so far, with an optional note. */
  update(done: number, note?: string): void;
  /** Completes the step, and leaves one line that reports it. */
  end(note?: string): void;
}

const CLEAR_LINE = "\r\x1b[2K";

/** One status line, and permanent lines above it. */
export class Progress {
  readonly #options: ProgressOptions;
  #shown = "";
  #last = -Infinity;

  /** Creates a progress display that is empty. */
  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** Writes a permanent line. */
  line(text: string): void {
    const { terminal } = this.#options;
    const clean = printable(text);
    if (!terminal.interactive) return terminal.write(`${clean}\n`);
    terminal.write(`${this.#shown === "" ? "" : CLEAR_LINE}${clean}\n${this.#shown}`);
  }

  /** Replaces the status line; updates that follow too soon are dropped. */
  status(text: string): void {
    const { terminal, clock, interval = 100, plainInterval = 10_000 } = this.#options;
    const now = clock.monotonic();
    if (now - this.#last < (terminal.interactive ? interval : plainInterval)) return;
    this.#last = now;
    const clean = printable(text);
    if (!terminal.interactive) return terminal.write(`${clean}\n`);
    this.#shown = cut(clean, terminal.columns() - 1);
    terminal.write(CLEAR_LINE + this.#shown);
  }

  /** Starts a step whose length is known, e.g. `bar("Loading", 1_000_000)`. */
  bar(label: string, total: number): Bar {
    this.#last = -Infinity;
    const { clock } = this.#options;
    const start = clock.monotonic();
    return {
      update: (done, note = "") => this.status(this.#bar(label, done / total, note)),
      end: (note = "") => {
        const seconds = ((clock.monotonic() - start) / 1000).toFixed(1);
        this.clear();
        this.line([`${label}: done in ${seconds} s`, note].filter(Boolean).join(", "));
      },
    };
  }

  /** Removes the status line. */
  clear(): void {
    if (this.#shown !== "") this.#options.terminal.write(CLEAR_LINE);
    this.#shown = "";
    this.#last = -Infinity;
  }

  #bar(label: string, fraction: number, note: string): string {
    const part = Math.min(1, Math.max(0, fraction || 0));
    const percent = `${Math.floor(part * 100)} %`.padStart(5);
    const { terminal } = this.#options;
    if (!terminal.interactive) return `${label} ${percent.trim()} ${note}`.trimEnd();
    const room = terminal.columns() - 1 - label.length - percent.length - note.length - 6;
    const width = Math.min(30, room);
    if (width < 5) return `${label} ${percent} ${note}`.trimEnd();
    const filled = Math.round(part * width);
    const drawn = "█".repeat(filled) + "░".repeat(width - filled);
    return `${label} ${drawn} ${percent}  ${note}`.trimEnd();
  }
}

/**
 * Replaces control characters, which move the cursor or change colours: the text may come from
 * records.
 */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what the pattern matches
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, " ");
}

function cut(text: string, columns: number): string {
  const characters = [...text];
  if (characters.length <= columns) return text;
  return `${characters.slice(0, Math.max(0, columns - 1)).join("")}…`;
}
