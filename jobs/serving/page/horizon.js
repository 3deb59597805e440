/**
 * Shows for each partition what batch has folded, what speed has folded and what is left.
 *
 * @module
 */

import { element, meter } from "./dom.js";
import { count } from "./format.js";

/** One line per partition. `ends` may be null: then the rest is not shown. */
export function horizonRows({ horizon, folded }, ends) {
  return Object.keys(horizon).flatMap((topic) =>
    horizon[topic].map((seen, partition) => {
      const reached = folded[topic][partition];
      const last = Math.max(reached ?? seen, ends?.[topic][partition] ?? 0);
      return partitionRow(`${topic}-${partition}`, { seen, reached, last, known: ends !== null });
    })
  );
}

function partitionRow(name, { seen, reached, last, known }) {
  const behind = last - (reached ?? seen);
  const figures = [
    `${count(seen)} batch`,
    reached === null ? "speed has not begun" : `${count(reached - seen)} speed`,
    ...(known ? [`${count(behind)} behind`] : []),
  ].join(" · ");
  const share = (offset) => last === 0 ? 0 : offset / last;
  const parts = [["batch", share(seen)], ["speed", share((reached ?? seen) - seen)]];
  return element(
    "div",
    { className: "partition" },
    element("span", {}, name),
    element("span", { className: "number" }, figures),
    meter(last === 0 ? [] : parts, `${name}: ${figures}`),
  );
}
