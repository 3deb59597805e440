/**
 * Shows the state of the pipeline: the age of the horizon, batch's last outcome, and the last
 * result of verify.
 *
 * @module
 */

import { element } from "./dom.js";
import { age, count, minute } from "./format.js";

/** Names and figures of a summary: a `dt` and a `dd` each; bad ones are marked. */
export function healthRows(summary) {
  return healthFacts(summary).flatMap(([name, text, bad]) => [
    element("dt", {}, name),
    element("dd", { className: bad ? "bad" : "" }, text),
  ]);
}

/** The same as `[name, text, whether it is bad]`. */
export function healthFacts({ time, planned, since, provenance, layers, outcomes }) {
  const { speed } = layers;
  return [
    ["Horizon", planned === null ? "not known" : `${age(planned, time)} old`, false],
    ["Serves since", `${minute(since)} UTC, generation ${provenance.generation}`, false],
    ["Last run of batch", ...lastRun(outcomes)],
    ["Last verification", ...lastVerification(outcomes, time)],
    [
      "Since the horizon",
      [
        `${count(speed.dead_letters)} unusable`,
        `${count(speed.duplicates)} duplicates`,
        `${count(speed.retired)} late`,
      ].join(", "),
      speed.dead_letters > 0,
    ],
  ];
}

function lastRun({ succeeded, failed }) {
  if (failed !== undefined && (succeeded === undefined || failed.at > succeeded.at)) {
    return [`failed ${minute(failed.at)} UTC: ${failed.why}`, true];
  }
  if (succeeded === undefined) return ["none yet", false];
  const took = Object.values(succeeded.took).reduce((sum, ms) => sum + ms, 0) / 1000;
  const built = `generation ${succeeded.generation} in ${count(Math.ceil(took))} s`;
  return [`${minute(succeeded.at)} UTC, ${built}`, false];
}

function lastVerification({ verified }, now) {
  if (verified === undefined) return ["none yet", false];
  const { at, generation, differences } = verified;
  const found = differences === 0 ? "exact" : `${count(differences)} differences`;
  return [`${found}, generation ${generation}, ${age(at, now)} ago`, differences > 0];
}
