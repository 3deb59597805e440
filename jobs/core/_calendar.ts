/**
 * Converts dates to day numbers: every record has two dates, and `Date` is slow.
 *
 * @module
 */

/**
 * Days before the first of each month in a year that begins in March, so that a leap day ends it.
 */
const DAYS_BEFORE = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];
/** 1970-01-01, counted as {@linkcode daysTo} counts days. */
const EPOCH_DAYS = 719_469;
const DAYS_IN = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days from 1970-01-01 to a date; -1 if the calendar has no such date, or it is earlier. */
export function daysTo(year: number, month: number, day: number): number {
  if (year < 1970 || month < 1 || month > 12 || day < 1) return -1;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > DAYS_IN[month - 1]! || (month === 2 && day === 29 && !leap)) return -1;
  const y = month < 3 ? year - 1 : year;
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return y * 365 + leaps + DAYS_BEFORE[month - 1]! + day - EPOCH_DAYS;
}
