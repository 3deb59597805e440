/**
 * The page: follows the stream and shows each summary.
 *
 * @module
 */

import { History, lineChart } from "./charts.js";
import { byId, element, meter, setText } from "./dom.js";
import { compact, count, minute, missingText, UNKNOWN } from "./format.js";
import { healthRows } from "./health.js";
import { horizonRows } from "./horizon.js";
import { addressOf, startSearch } from "./search.js";
import { toSeries } from "./series.js";
import { follow } from "./stream.js";

const MINUTE = 60_000;

const charts = {
  posts: lineChart(byId("chart-posts"), [["posts", "posts"], ["comments", "comments"]], {
    label: "Posts and comments a minute",
  }),
  users: lineChart(byId("chart-users"), [["active users", "users"]], {
    label: "Active users a minute",
  }),
  rates: lineChart(
    byId("chart-rates"),
    [["produced", "posts"], ["ingested", "comments"], ["folded", "speed"]],
    { label: "Records a second" },
  ),
  latency: lineChart(byId("chart-latency"), [["p50", "comments"], ["p99", "posts"]], {
    label: "Milliseconds from produce to visible",
  }),
};
const rates = new History(3);
const latencies = new History(2);

function showSummary(summary) {
  const { provenance } = summary;
  setText("generation", `generation ${provenance.generation}`);
  byId("generation").title = `state: ${summary.state}, definition: ${provenance.definition}`;
  showBanner(missingText(provenance.missing), false);
  showMinutes(summary);
  showRates(summary);
  setText("tile-lag", compact(provenance.lag));
  showTop(summary.top);
  byId("horizon").replaceChildren(...horizonRows(provenance, summary.ends));
  byId("health").replaceChildren(...healthRows(summary));
  const { batch, speed } = summary.layers;
  setText(
    "counts",
    `${count(batch.records)} records in batch, ${count(speed.records)} in speed, ` +
      `${count(speed.dead_letters)} unusable, ${
        count(batch.unresolved + speed.unresolved)
      } unresolved`,
  );
}

/** Finds the minutes that are complete: the current one would look like a drop. */
function showMinutes({ minutes, time }) {
  const full = minutes.filter((item) => Date.parse(item.window_start) + MINUTE <= Date.parse(time));
  const shown = full.length > 0 ? full : minutes;
  const series = (...keys) => toSeries(shown, { step: MINUTE, keys });
  charts.posts.update(...series("posts", "comments"));
  charts.users.update(...series("active_users"));
  const last = shown.at(-1);
  setText("tile-posts", compact(last?.posts));
  setText("tile-comments", compact(last?.comments));
  setText("tile-users", compact(last?.active_users));
}

function showRates({ time, rates: now, latency_ms: latency }) {
  const seconds = Date.parse(time) / 1000;
  charts.rates.update(...rates.add(seconds, [now.produced, now.ingested, now.folded]));
  setText("tile-produced", compact(now.produced));
  const shown = latency === null ? UNKNOWN : `${count(latency.p50)} / ${count(latency.p99)}`;
  setText("tile-latency", shown);
  byId("no-latency").hidden = latency !== null;
  byId("chart-latency").hidden = latency === null;
  if (latency !== null) {
    charts.latency.update(...latencies.add(seconds, [latency.p50, latency.p99]));
  }
}

function showTop({ window_start: start, items }) {
  setText("top-hour", start === null ? "" : `by posts, hour of ${minute(start)} UTC`);
  const most = Math.max(1, ...items.map((item) => item.posts));
  byId("top").replaceChildren(...items.map((item) => {
    const figures = `${count(item.posts)} posts, ${compact(item.active_users)} users`;
    return element(
      "li",
      {},
      element("a", { href: addressOf("subreddit", item.subreddit) }, item.subreddit),
      meter([["posts", item.posts / most]], figures),
      element("span", { className: "number" }, figures),
    );
  }));
  const names = byId("names");
  const known = items.map((item) => item.subreddit);
  if (names.childElementCount !== known.length) {
    names.replaceChildren(...known.map((value) => element("option", { value })));
  }
}

function showBanner(text, bad) {
  const banner = byId("banner");
  banner.hidden = text === "";
  banner.classList.toggle("bad", bad);
  setText("banner", text);
}

function showConnection(connected) {
  const chip = byId("connection");
  setText("connection", connected ? "live" : "reconnecting");
  chip.classList.toggle("good", connected);
  chip.classList.toggle("bad", !connected);
}

startSearch();
follow("/v1/stream", {
  summary: showSummary,
  problem: ({ detail }) => showBanner(detail, true),
  connection: showConnection,
});
