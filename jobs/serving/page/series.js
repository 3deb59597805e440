/**
 * Converts items of windows into the form of the charts.
 *
 * @module
 */

/**
 * Times in seconds and one array of values per key. Windows that were left out, because nothing
 * happened in them, are zero.
 *
 * @param items ascending, each with an ISO `window_start`.
 * @param step size of the windows in milliseconds.
 */
export function toSeries(items, { step, keys }) {
  const times = [];
  const values = keys.map(() => []);
  const add = (time, value) => {
    times.push(time / 1000);
    keys.forEach((key, i) => values[i].push(value(key)));
  };
  for (const item of items) {
    const start = Date.parse(item.window_start);
    const last = times.length === 0 ? start : times.at(-1) * 1000;
    for (let empty = last + step; empty < start; empty += step) add(empty, () => 0);
    add(start, (key) => item[key]);
  }
  return [times, values];
}
