/**
 * Formats numbers and times for people.
 *
 * @module
 */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Shown instead of an unknown number. */
export const UNKNOWN = "–";

/** `12,345`; `–` if unknown. */
export function count(value) {
  return value === null || value === undefined ? UNKNOWN : whole.format(value);
}

/** `12.3K`; exact below 10,000. */
export function compact(value) {
  if (value === null || value === undefined) return UNKNOWN;
  return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);
}

/** `2026-01-31 12:00` in UTC, like windows. */
export function minute(iso) {
  return iso === null ? UNKNOWN : iso.slice(0, 16).replace("T", " ");
}

/** Time elapsed since a moment: `42 s`, `4 min`, `2 h` or `3 d`, whole ones. */
export function age(iso, now) {
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(iso)) / 1000);
  const [size, unit] = [[86_400, "d"], [3_600, "h"], [60, "min"]]
    .find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Labels of a time axis in UTC, as fine as the distance of the ticks (epoch seconds). */
export function timeLabels(ticks, apart) {
  return ticks.map((seconds) => {
    const iso = new Date(seconds * 1000).toISOString();
    if (apart >= 86_400 || (apart >= 3600 && iso.slice(11, 16) === "00:00")) {
      return iso.slice(5, 10);
    }
    return apart < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
  });
}

/** The missing items, in a sentence; empty if there are none. */
export function missingText(missing) {
  const sentences = missing.map((what) => {
    switch (what) {
      case "speed":
        return "the speed layer has not begun with this generation";
      case "store":
        return "a part of the store does not answer";
      case "log":
        return "the end of the log is not known, nor how far behind this is";
      default:
        return `the speed layer has not begun with ${what}`;
    }
  });
  return sentences.length === 0 ? "" : `Partial data: ${sentences.join("; ")}.`;
}
