/**
 * Looks up a subreddit or a user, and keeps the result up to date.
 *
 * @module
 */

import { lineChart } from "./charts.js";
import { byId, element, table } from "./dom.js";
import { compact, count, minute, missingText } from "./format.js";
import { toSeries } from "./series.js";

/** Milliseconds between two updates of the result. */
const REFRESH = 3000;

const HOUR = 3_600_000;

/** Starts the search: the search term is part of the page's address. */
export function startSearch() {
  const form = byId("search");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { kind, name } = form.elements;
    location.hash = addressOf(kind.value, name.value.trim());
  });
  let stop = () => {};
  const look = () => {
    stop();
    const [kind, name] = readAddress(location.hash);
    if (name === undefined) return;
    form.elements.kind.value = kind;
    form.elements.name.value = name;
    stop = show(kind, name);
  };
  addEventListener("hashchange", look);
  look();
}

/** The part of the address for a subreddit or user. */
export function addressOf(kind, name) {
  return `#${kind}/${encodeURIComponent(name)}`;
}

function readAddress(hash) {
  const match = /^#(subreddit|user)\/(.+)$/.exec(hash);
  if (match === null) return [];
  try {
    return [match[1], decodeURIComponent(match[2])];
  } catch {
    return [];
  }
}

/** Shows a result until the returned function is called. */
function show(kind, name) {
  const page = kind === "user" ? new UserPage(name) : new SubredditPage(name);
  byId("result").replaceChildren(element("p", { className: "quiet" }, "Looking …"));
  let over = false;
  let timer;
  const refresh = async () => {
    try {
      if (!document.hidden) await page.refresh();
      if (over) return;
      if (!page.view.isConnected) byId("result").replaceChildren(page.view);
    } catch (error) {
      if (over) return;
      page.view.remove();
      // An unknown name is an answer too.
      const className = error.status === 404 ? "quiet" : "banner bad";
      byId("result").replaceChildren(element("p", { className }, error.message));
    }
    timer = setTimeout(refresh, REFRESH);
  };
  refresh();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

class SubredditPage {
  view = element("div", { className: "result" });
  #path;
  #title;
  #posts = element("div");
  #note = element("p", { className: "quiet" });
  #chart;

  constructor(name) {
    this.#path = `/v1/subreddits/${encodeURIComponent(name)}`;
    const container = element("div", { className: "chart", role: "img" });
    this.#title = element("h3", {}, `r/${name}`);
    this.view.append(this.#title, this.#note, this.#posts, container);
    const lines = [["posts", "posts"], ["comments", "comments"], ["active users", "users"]];
    const width = () => container.clientWidth || byId("result").clientWidth;
    this.#chart = lineChart(container, lines, { label: "Activity an hour", width });
  }

  async refresh() {
    const [top, activity] = await Promise.all([
      ask(`${this.#path}/top?k=10`),
      ask(`${this.#path}/activity?window=1h`),
    ]);
    this.#title.textContent = `r/${top.subreddit}`;
    const proof = top.exact ? "proved to be the best posts" : "the best posts that are known";
    const subject = top.items.length === 0 ? "Nobody has posted there" : `These are ${proof}`;
    this.#note.textContent = note(`${subject}.`, top.provenance);
    this.#posts.replaceChildren(top.items.length === 0 ? "" : postTable(top.items));
    const keys = ["posts", "comments", "active_users"];
    this.#chart.update(...toSeries(activity.items, { step: HOUR, keys }));
  }
}

function postTable(posts) {
  const columns = [
    ["Score", "number"],
    ["Title", "text"],
    ["By", ""],
    ["Comments", "number wide"],
    ["Created (UTC)", "number wide"],
  ];
  return table(
    columns,
    posts.map((post) => [
      count(post.score),
      post.title,
      element("a", { href: addressOf("user", post.user_id) }, post.user_id),
      compact(post.num_comments),
      minute(post.created_utc),
    ]),
  );
}

class UserPage {
  view = element("div", { className: "result" });
  #path;
  #title;
  #body = element("div", { className: "result" });

  constructor(id) {
    this.#path = `/v1/users/${encodeURIComponent(id)}/activity?window=1d`;
    this.#title = element("h3", {}, `u/${id}`);
    this.view.append(this.#title, this.#body);
  }

  async refresh() {
    const { user_id, totals, items, provenance } = await ask(this.#path);
    this.#title.textContent = `u/${user_id}`;
    const tiles = [
      ["Posts", count(totals.posts)],
      ["Comments", count(totals.comments)],
      ["Subreddits", count(totals.subreddits)],
      ["Karma", count(totals.karma)],
      ["Last active (UTC)", minute(totals.last_active)],
    ].map(([name, value]) =>
      element("div", { className: "tile" }, element("dt", {}, name), element("dd", {}, value))
    );
    const columns = [["Day", ""], ["Posts", "number"], ["Comments", "number"]];
    const days = items.toReversed().map((item) => [
      item.window_start.slice(0, 10),
      count(item.posts),
      count(item.comments),
    ]);
    const subject = totals.last_active === null ? "Nothing was announced by this user." : "";
    this.#body.replaceChildren(
      element("p", { className: "quiet" }, note(subject, provenance)),
      element("dl", { className: "tiles" }, ...tiles),
      ...(days.length === 0 ? [] : [table(columns, days, "narrow")]),
    );
  }
}

function note(subject, { generation, lag, missing }) {
  const behind = lag === null ? "" : `, ${count(lag)} records behind the log`;
  return [subject, `Generation ${generation}${behind}.`, missingText(missing)].join(" ").trim();
}

async function ask(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { status: response.status });
  return answer;
}
