/**
 * The due times of records: rates that are constant, rise in a ramp, or burst. The schedule is
 * absolute, so that a late timer delays only itself.
 *
 * @module
 */

import { PipelineError } from "@pipeline/core";

/** A rate over time, in records a second and milliseconds. */
export interface RateProfile {
  /** Rate at the start. */
  readonly from: number;
  /** Rate after `over`, and from then on. */
  readonly to: number;
  /** Length of the ramp; 0 for a constant rate. */
  readonly over: number;
  /** Periodic interruptions of the rate, if any. */
  readonly burst?: Burst;
}

/** At the end of every `every` milliseconds the rate is `rate` for `length` milliseconds. */
export interface Burst {
  /** Records a second. */
  readonly rate: number;
  /** Less than `every`. */
  readonly length: number;
  /** The period. */
  readonly every: number;
}

const NUMBER = String.raw`(\d+(?:\.\d+)?)`;
const TIME = String.raw`(\d+(?:\.\d+)?)(ms|s|m|h)`;
const PROFILE = new RegExp(
  `^${NUMBER}(?:\\.\\.${NUMBER} over ${TIME})?(?: burst ${NUMBER} for ${TIME} every ${TIME})?$`,
);
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The forms that {@linkcode parseRate} reads, for messages. */
export const RATE_FORMS = '"100", "10..1000 over 5m" or "100 burst 5000 for 10s every 1m"';

/**
 * Reads a rate as people write it: `100`, `10..1000 over 5m`, either followed by
 * `burst 5000 for 10s every 1m`.
 *
 * @throws {PipelineError} `invalid` if the text has none of these forms.
 */
export function parseRate(text: string | number): RateProfile {
  const match = PROFILE.exec(String(text).trim().replaceAll(/\s+/g, " "));
  if (match === null) {
    throw new PipelineError("invalid", `The rate is "${text}": it must be ${RATE_FORMS}`);
  }
  const time = (at: number) => Number(match[at]) * UNITS[match[at + 1]!]!;
  const from = Number(match[1]);
  const ramp = match[2] === undefined
    ? { from, to: from, over: 0 }
    : { from, to: Number(match[2]), over: time(3) };
  if (match[5] === undefined) return ramp;
  const burst = { rate: Number(match[5]), length: time(6), every: time(8) };
  if (burst.length <= 0 || burst.length >= burst.every) {
    throw new PipelineError("invalid", `A burst in "${text}" must be shorter than its period`);
  }
  return { ...ramp, burst };
}

/** An interval in which the rate is linear. */
interface Segment {
  readonly start: number;
  /** Milliseconds; infinite for the last one. */
  readonly length: number;
  /** Records a millisecond at its start and end. */
  readonly from: number;
  readonly to: number;
  /** Records due before its start. */
  readonly before: number;
}

function* segments({ from, to, over, burst }: RateProfile): Generator<Segment, never> {
  const ramp = (time: number) => time >= over ? to : from + (to - from) * time / over;
  let start = 0;
  let before = 0;
  while (true) {
    let end = start < over ? over : Infinity;
    let bursting = false;
    if (burst !== undefined) {
      const period = Math.floor(start / burst.every) * burst.every;
      const burstStart = period + burst.every - burst.length;
      bursting = start >= burstStart;
      end = Math.min(end, bursting ? period + burst.every : burstStart);
    }
    const length = end - start;
    const first = (bursting ? burst!.rate : ramp(start)) / 1000;
    const last = (bursting ? burst!.rate : ramp(end)) / 1000;
    yield { start, length, from: first, to: last, before };
    before += (first + last) / 2 * length;
    start = end;
  }
}

/** Walks a profile forward; arguments of both methods must not decrease. */
class Cursor {
  readonly #segments: Generator<Segment, never>;
  #segment: Segment;

  constructor(profile: RateProfile) {
    this.#segments = segments(profile);
    this.#segment = this.#segments.next().value;
  }

  /** Number of records due up to `elapsed` milliseconds, with fractions. */
  count(elapsed: number): number {
    let s = this.#segment;
    while (elapsed > s.start + s.length) s = this.#segment = this.#segments.next().value;
    return area(s, elapsed - s.start) + s.before;
  }

  /** When the count is reached, in milliseconds; infinite if never. */
  time(count: number): number {
    let s = this.#segment;
    while (s.length < Infinity && count > s.before + area(s, s.length)) {
      s = this.#segment = this.#segments.next().value;
    }
    const wanted = count - s.before;
    if (wanted <= 0) return s.start;
    const slope = s.length === Infinity ? 0 : (s.to - s.from) / s.length;
    // wanted = from * t + slope / 2 * t^2, in the form that is stable for a slope near 0.
    const root = Math.sqrt(Math.max(0, s.from * s.from + 2 * slope * wanted));
    return s.start + (s.from + root === 0 ? Infinity : 2 * wanted / (s.from + root));
  }
}

function area({ length, from, to }: Segment, time: number): number {
  if (length === Infinity) return from * time;
  return from * time + (to - from) / length / 2 * time * time;
}

/** The due times of records, in order. */
export class Schedule {
  /** Records taken so far. */
  taken = 0;
  readonly #times: Cursor;
  readonly #counts: Cursor;
  #next: number;

  /** Starts at time 0 with nothing due yet. */
  constructor(profile: RateProfile) {
    this.#times = new Cursor(profile);
    this.#counts = new Cursor(profile);
    // The first record is due once a whole one has accrued: at rate 0 none is, rather than one at
    // once.
    this.#next = this.#times.time(1);
  }

  /** When the next record is due, milliseconds from the start; infinite if never. */
  get next(): number {
    return this.#next;
  }

  /** Takes the next record, and returns its due time. */
  take(): number {
    const due = this.#next;
    this.taken++;
    this.#next = this.#times.time(this.taken + 1);
    return due;
  }

  /** Records due at `elapsed` and not yet taken. `elapsed` must not decrease. */
  behind(elapsed: number): number {
    return Math.max(0, Math.floor(this.#counts.count(elapsed) + 1e-6) - this.taken);
  }
}
