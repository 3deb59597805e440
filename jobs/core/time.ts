/**
 * Event time: milliseconds since 1970 UTC in memory, ISO 8601 UTC on the wire.
 *
 * @module
 */

import { daysTo } from "./_calendar.ts";
import { parseNumber } from "./numbers.ts";

/** Name of a window size, as written by users. */
export type WindowName = "1m" | "1h" | "1d";

/** Sizes of the tumbling windows in milliseconds. */
export const WINDOWS: Readonly<Record<WindowName, number>> = {
  "1m": 60_000,
  "1h": 3_600_000,
  "1d": 86_400_000,
};

/** All window names, smallest first. */
export const WINDOW_NAMES: readonly ["1m", "1h", "1d"] = ["1m", "1h", "1d"];

/** One day in milliseconds. */
export const DAY: number = WINDOWS["1d"];

/** Greatest accepted event time: the last millisecond of the year 9999. */
export const MAX_TIME = 253_402_300_799_999;

/** The forms that {@linkcode parseTime} accepts, for messages. */
export const TIME_FORMS = "an ISO 8601 time with a zone, epoch seconds or epoch milliseconds";

/** Numbers below this are epoch seconds, others epoch milliseconds (1973 in ms, 5138 in s). */
const SECONDS_BELOW = 100_000_000_000;

/** Start of the window of `size` milliseconds that contains `time`. */
export function windowStart(time: number, size: number): number {
  return time - (time % size);
}

/** ISO 8601 UTC with milliseconds, e.g. `2026-01-31T12:00:00.000Z`. */
export function formatTime(time: number): string {
  return new Date(time).toISOString();
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2}))$/;

/**
 * Parses a timestamp in any form, from any source: ISO 8601 with a zone, or epoch seconds or
 * milliseconds as a number or the text of one. Digits beyond milliseconds are cut off.
 *
 * @returns milliseconds since 1970, or `undefined` if the value has none of these forms, is not a
 * date of the calendar, or is outside 1970 to 9999.
 */
export function parseTime(value: unknown): number | undefined {
  if (typeof value === "string") {
    const fast = value.length === 24 ? parseFixed(value) : -1;
    if (fast >= 0) return fast;
    return parseIso(value) ?? parseEpoch(parseNumber(value));
  }
  return typeof value === "number" ? parseEpoch(value) : undefined;
}

function parseEpoch(value: number | undefined): number | undefined {
  if (value === undefined || !(value >= 0 && value <= MAX_TIME)) return undefined;
  if (Number.isInteger(value)) {
    const time = value < SECONDS_BELOW ? value * 1000 : value;
    // `-0` is a time too, and one value must have one form.
    return time + 0;
  }
  // By its digits: a product would sometimes be off by a millisecond.
  const m = /^(\d+)\.(\d+)$/.exec(String(value));
  if (m === null) return undefined;
  const whole = Number(m[1]);
  return value < SECONDS_BELOW ? whole * 1000 + Number(m[2]!.slice(0, 3).padEnd(3, "0")) : whole;
}

/**
 * `YYYY-MM-DDTHH:MM:SS.mmmZ`, our own form, digit by digit: every record has two of them. -1 for
 * any other text, which {@linkcode parseIso} decides on.
 */
function parseFixed(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45 || text.charCodeAt(10) !== 84) {
    return -1;
  }
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return -1;
  if (text.charCodeAt(19) !== 46 || text.charCodeAt(23) !== 90) return -1;
  const century = twoDigits(text, 0);
  const years = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const tens = twoDigits(text, 20);
  const unit = text.charCodeAt(22) - 48;
  if (century < 0 || years < 0) return -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
  if (tens < 0 || unit < 0 || unit > 9) return -1;
  const days = daysTo(century * 100 + years, month, day);
  if (days < 0) return -1;
  return days * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + tens * 10 + unit;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const units = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && units >= 0 && units <= 9 ? tens * 10 + units : -1;
}

function parseIso(text: string): number | undefined {
  const m = ISO.exec(text);
  if (m === null) return undefined;
  const [year, month, day, hour, minute] = m.slice(1, 6).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const second = Number(m[6] ?? 0);
  const millisecond = Number((m[7] ?? "").slice(0, 3).padEnd(3, "0"));
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const [zoneHours, zoneMinutes] = [Number(m[10] ?? 0), Number(m[11] ?? 0)];
  if (zoneHours > 23 || zoneMinutes > 59) return undefined;
  const offset = (m[9] === "-" ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  const time = date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + millisecond;
  return year >= 1970 && time >= 0 && time <= MAX_TIME ? time : undefined;
}
