/**
 * What a person sees while a program runs: one line that moves where there is a
 * terminal, plain lines now and then where there is none.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** Where progress is shown. */
export interface Terminal {
  /** Writes text as it is. */
  write(text: string): void;
  /** Whether lines can be overwritten. */
  readonly interactive: boolean;
  /** Width in characters; asked each time, since windows change. */
  columns(): number;
}

/** Options of {@linkcode Progress}. */
export interface ProgressOptions {
  /** Where it is shown. */
  readonly terminal: Terminal;
  /** Spaces the updates. */
  readonly clock: Pick<Clock, "monotonic">;
  /** Least milliseconds between two updates on a terminal; 100 where not given. */
  readonly interval?: number;
  /** Least milliseconds between two plain lines; 10,000 where not given. */
  readonly plainInterval?: number;
}

/** A step of known length. */
export interface Bar {
  /** How much is done in all, and perhaps a word about it. */
  update(done: number, note?: string): void;
  /** The step is complete: leaves one line that says so. */
  end(note?: string): void;
}

const CLEAR_LINE = "\r\x1b[2K";

/** One status line, and permanent lines above it. */
export class Progress {
  readonly #options: ProgressOptions;
  #shown = "";
  #last = -Infinity;

  /** Shows nothing yet. */
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

  /** Replaces the status line; updates that come too soon after another are left out. */
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

  /** Takes the status line away. */
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

/** Text without what would move the cursor or change colours: it may come from records. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, " ");
}

function cut(text: string, columns: number): string {
  const characters = [...text];
  if (characters.length <= columns) return text;
  return `${characters.slice(0, Math.max(0, columns - 1)).join("")}…`;
}
