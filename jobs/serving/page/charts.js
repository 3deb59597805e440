/**
 * Line charts over time that follow their container's width and the page's
 * colours.
 *
 * @module
 */

import { compact, count, timeLabels, UNKNOWN } from "./format.js";

// The library's own script is loaded before the modules.
const { uPlot } = globalThis;

const HEIGHT = 200;

/** A colour of the style sheet in the form that the canvas needs, in the current scheme. */
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * A chart in the container.
 *
 * @param series `[label, colour name]` of each line.
 * @returns `update(times, values)`: times in seconds, one array of values a series.
 */
export function lineChart(container, series, { label, width = () => container.clientWidth }) {
  const axis = {
    stroke: () => colour("quiet"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const chart = new uPlot(
    {
      width: Math.max(1, width()),
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: { y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] } },
      cursor: { y: false, drag: { x: false, y: false } },
      axes: [
        {
          ...axis,
          space: 70,
          size: 30,
          values: (_, ticks, __, ___, apart) => timeLabels(ticks, apart),
        },
        { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => compact(tick)) },
      ],
      series: [
        { label: "UTC", value: (_, seconds) => seconds === null ? UNKNOWN : clockTime(seconds) },
        ...series.map(([name, key]) => ({
          label: name,
          stroke: () => colour(key),
          width: 2,
          points: { show: (_, __, from, to) => to - from < 3 },
          value: (_, value) => count(value),
        })),
      ],
    },
    [[], ...series.map(() => [])],
    container,
  );
  new ResizeObserver(() => {
    if (width() > 0) chart.setSize({ width: width(), height: HEIGHT });
  }).observe(container);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw());
  return {
    update(times, values) {
      chart.setData([times, ...values]);
      const latest = series.map(([name], i) => `${name} ${count(values[i].at(-1))}`).join(", ");
      container.setAttribute("aria-label", `${label}, latest: ${latest}`);
    },
  };
}

function clockTime(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/** Values of the last few minutes, which only this page has recorded. */
export class History {
  #times = [];
  #values;
  #seconds;

  constructor(lines, seconds = 300) {
    this.#values = Array.from({ length: lines }, () => []);
    this.#seconds = seconds;
  }

  /** Adds one value per line (`null` leaves a gap) and returns the arguments of `update`. */
  add(time, values) {
    if (time <= (this.#times.at(-1) ?? 0)) return [this.#times, this.#values];
    this.#times.push(time);
    values.forEach((value, i) => this.#values[i].push(value));
    while (this.#times[0] < time - this.#seconds) {
      for (const line of [this.#times, ...this.#values]) line.shift();
    }
    return [this.#times, this.#values];
  }
}
