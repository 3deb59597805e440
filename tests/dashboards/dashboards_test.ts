import {
  dashboardFiles,
  DASHBOARDS,
  FOLDER,
  panelQueries,
  type PanelQuery,
  VIEWS,
  type ViewTarget,
} from "@pipeline/tools/dashboards";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { viewMappings } from "../../jobs/adapters/elasticsearch/mappings.ts";
import { rules } from "../alerts/_rules.ts";
import { series } from "../../scripts/tools/dashboards/promql.ts";
import { tables } from "../metrics/_documented.ts";
import { fillIn, searchBody } from "./_asked.ts";
import { knownSeries } from "./_known.ts";
import { promqlNames } from "./_promql.ts";

const VALUES = { namespace: "reddit-pipeline", release: "reddit", min_score: "10" };
const RANGE = { from: 1_000, to: 2_000 };

/** A dashboard's JSON, as far as it is looked into. */
// deno-lint-ignore no-explicit-any
type Json = any;

const dashboards: Json[] = [...dashboardFiles().values()].map((text) => JSON.parse(text));
const panels: Json[] = dashboards.flatMap((one) =>
  one.panels.map((panel: Json) => ({ ...panel, at: `${one.uid}: ${panel.title}` }))
);
const shown = panels.filter(({ type }) => type !== "row");

function isView(query: PanelQuery): query is PanelQuery & { target: ViewTarget } {
  return "view" in query.target;
}

const promql = panelQueries().flatMap(({ dashboard, panel, target }) =>
  "expr" in target
    ? [{ at: `${dashboard}: ${panel}`, raw: target.expr, expr: fillIn(target.expr, VALUES) }]
    : []
);

Deno.test("the dashboards are what scripts/charts writes, and there are no others", async () => {
  const files = dashboardFiles();
  for (const [path, text] of files) assertEquals(await Deno.readTextFile(path), text, path);
  const there = (await Array.fromAsync(Deno.readDir(FOLDER))).map(({ name }) =>
    `${FOLDER}/${name}`
  );
  assertEquals(there.sort(), [...files.keys()].sort());
});

Deno.test("a panel is one line, so that a diff shows which one changed", () => {
  for (const [path, text] of dashboardFiles()) {
    const lines = text.split("\n").filter((line) => line.startsWith("    "))
      .map((line) => JSON.parse(line.replace(/,$/, "")));
    assertEquals(lines, JSON.parse(text).panels, path);
  }
});

Deno.test("a dashboard has a description, and shows half an hour of one release, refreshed every 10 s", () => {
  for (const one of dashboards) {
    assert(one.title !== "" && one.description !== "", one.uid);
    assertEquals(one.tags, ["reddit-pipeline"], one.uid);
    assertEquals([one.refresh, one.time], ["10s", { from: "now-30m", to: "now" }], one.uid);
    assert(one.schemaVersion >= 42, one.uid);
    const names = one.templating.list.map(({ name }: Json) => name);
    assertEquals(names.slice(0, 2), ["namespace", "release"], one.uid);
  }
});

Deno.test("every panel has a title, a description, a unit and thresholds", () => {
  for (const { at, title, description, fieldConfig: { defaults } } of shown) {
    assert(title.length > 0 && description.length > 20 && /[.%]$/.test(description), at);
    assert(defaults.unit.length > 0, at);
    assert(defaults.thresholds.steps.length > 0, at);
  }
});

Deno.test("no id and no title is there twice", () => {
  const twice = (all: readonly string[]) => all.filter((one, i) => all.indexOf(one) !== i);
  assertEquals(twice(DASHBOARDS.flatMap(({ uid, title }) => [`uid ${uid}`, `title ${title}`])), []);
  for (const { uid, panels } of dashboards) {
    assertEquals(twice(panels.map(({ id }: Json) => `${id}`)), [], uid);
    assertEquals(twice(panels.map(({ title }: Json) => title)), [], uid);
  }
});

/** Pairs of panels that share a place, and panels that leave the grid. */
function misplaced(all: readonly Json[]): string[] {
  const meet = (a: Json, b: Json) =>
    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
  return all.flatMap((one, i) => [
    ...one.gridPos.x + one.gridPos.w > 24 ? [`${one.title} leaves the grid`] : [],
    ...all.slice(i + 1).filter((other) => meet(one.gridPos, other.gridPos))
      .map((other) => `${one.title} lies on ${other.title}`),
  ]);
}

Deno.test("panels lie side by side, within the grid", () => {
  for (const { uid, panels } of dashboards) assertEquals(misplaced(panels), [], uid);
  const place = { x: 0, y: 0, w: 12, h: 4 };
  const wrong = [{ title: "a", gridPos: place }, {
    title: "b",
    gridPos: { ...place, x: 11, w: 14 },
  }];
  assertEquals(misplaced(wrong), ["a lies on b", "b leaves the grid"]);
});

Deno.test("every query of Prometheus can be read, and is of one release", () => {
  assert(promql.length > 100);
  for (const { at, expr } of promql) {
    const { selectors } = promqlNames(expr);
    assert(selectors.length > 0, at);
    for (const { metric, labels } of selectors) {
      assertEquals(labels.slice(0, 2), ["namespace", "release"], `${at}: ${metric}`);
    }
  }
  assertThrows(() => promqlNames("sum(rate(a[1m])"), SyntaxError, "sum(rate(a[1m])");
});

Deno.test("every query of Prometheus names only metrics and labels of docs", async () => {
  const known = await knownSeries();
  const unknown = (query: string) => {
    const { selectors, labels } = promqlNames(query);
    const names = selectors.map(({ metric }) => metric);
    const there = new Set(names.flatMap((name) => [...known.get(name) ?? []]));
    return [
      ...names.filter((name) => !known.has(name)),
      ...selectors.flatMap(({ metric, labels }) =>
        labels.filter((label) => !known.get(metric)?.has(label)).map((label) =>
          `${metric} ${label}`
        )
      ),
      ...labels.filter((label) => !there.has(label)),
    ];
  };
  for (const { at, expr } of promql) assertEquals(unknown(expr), [], at);
  assertEquals(unknown("up_"), ["up_"]);
  assertEquals(unknown('up{topic="a"}'), ["up topic", "topic"]);
  assertEquals(unknown("sum by (view) (speed_keys)"), ["view"]);
  assertEquals(unknown("speed_flush_duration_seconds"), ["speed_flush_duration_seconds"]);
});

Deno.test("every metric of the servers that docs lists is in a panel or an alert", async () => {
  const page = await Deno.readTextFile("docs/metrics-of-servers.md");
  const alerts = (await rules()).map(({ expr }) => expr);
  const text = [...promql.map(({ expr }) => expr), ...alerts].join("\n");
  const idle = tables(page).map(({ name }) => name)
    .filter((name) => !new RegExp(`\\b${name}(_bucket|_sum|_count)?\\b`).test(text));
  assertEquals(idle, []);
});

Deno.test("legends name only labels that the query leaves", async () => {
  const known = await knownSeries();
  for (const { dashboard, panel, target } of panelQueries()) {
    if (!("expr" in target)) continue;
    const { selectors, labels } = promqlNames(fillIn(target.expr, VALUES));
    const grouped = /\b(sum|max|min|avg|count)\b/.test(target.expr);
    const left = grouped
      ? new Set(labels)
      : new Set(selectors.flatMap(({ metric }) => [...known.get(metric)!]));
    for (const [, label] of target.legend.matchAll(/\{\{(\w+)\}\}/g)) {
      assert(left.has(label!), `${dashboard}: ${panel}: ${label}`);
    }
  }
});

/** Panels over Elasticsearch that have no figure of the copy's age in their section, or do not name it. */
function ageless(all: readonly Json[]): string[] {
  const sections: Json[][] = [];
  for (const panel of all) {
    if (panel.type === "row") sections.push([]);
    else sections.at(-1)!.push(panel);
  }
  return sections.flatMap((panels) => {
    const age = panels.find(({ type, targets }) =>
      type === "stat" && targets.some(({ expr = "" }) => expr.includes("speed_copy_age_seconds"))
    );
    return panels.filter(({ datasource, description }) =>
      datasource.type === "elasticsearch" &&
      (age === undefined || !description.includes(age.title))
    ).map(({ title }) => title);
  });
}

Deno.test("a panel over Elasticsearch has the copy's age beside it, and names it", () => {
  for (const { uid, panels } of dashboards) assertEquals(ageless(panels), [], uid);
  const row = { type: "row" };
  const view = { title: "a", datasource: { type: "elasticsearch" }, description: "See Age." };
  const age = {
    title: "Age",
    type: "stat",
    datasource: { type: "prometheus" },
    targets: [{ expr: "max(speed_copy_age_seconds)" }],
  };
  assertEquals(ageless([row, age, { ...view, targets: [] }]), []);
  const silent = { ...view, title: "b", description: "", targets: [] };
  assertEquals(ageless([row, age, silent, row, { ...view, targets: [] }]), ["b", "a"]);
});

/** Fields that a query of a view names. */
function fieldsOf({ query, buckets, metrics }: ViewTarget): string[] {
  return [
    ...[...query.matchAll(/(\w+):/g)].map(([, field]) => field!),
    ...[...buckets, ...metrics].flatMap(({ field }) => field ?? []),
  ];
}

Deno.test("every query of a view names only fields that its documents have", () => {
  const queries = panelQueries().filter(isView);
  assertEquals(new Set(queries.map(({ target }) => target.view)), new Set(Object.keys(VIEWS)));
  for (const { dashboard, panel, target } of queries) {
    const fields = Object.keys(viewMappings(target.view).properties);
    const named = [...fieldsOf(target), VIEWS[target.view].timeField];
    assertEquals(named.filter((field) => !fields.includes(field)), [], `${dashboard}: ${panel}`);
    assert(/^type:\w+/.test(target.query), `${panel} takes documents of every type`);
  }
  const wrong: ViewTarget = { view: "top_posts", query: "kind:a", buckets: [], metrics: [] };
  assertEquals(fieldsOf(wrong), ["kind"]);
});

Deno.test("fields that are grouped by or summed have values in columns", () => {
  for (const { panel, target } of panelQueries().filter(isView)) {
    const { properties } = viewMappings(target.view);
    for (const { field } of [...target.buckets, ...target.metrics]) {
      if (field !== undefined) {
        assert(properties[field]!.doc_values !== false, `${panel}: ${field}`);
      }
    }
  }
});

Deno.test("searchBody() restricts by time and query, and groups from the outside in", () => {
  const target: ViewTarget = {
    view: "user_activity",
    query: "type:user_window",
    buckets: [{
      id: "10",
      type: "terms",
      field: "user_id",
      settings: { size: "5", order: "desc", orderBy: "1", min_doc_count: "1" },
    }],
    metrics: [{ id: "1", type: "sum", field: "posts" }],
  };
  assertEquals(searchBody(target, RANGE), {
    size: 0,
    query: {
      bool: {
        filter: [
          { range: { window_start: { gte: 1_000, lte: 2_000, format: "epoch_millis" } } },
          { query_string: { analyze_wildcard: true, query: "type:user_window" } },
        ],
      },
    },
    aggs: {
      10: {
        terms: { field: "user_id", size: 5, min_doc_count: 1, order: { 1: "desc" } },
        aggs: { 1: { sum: { field: "posts" } } },
      },
    },
  });
});

Deno.test("searchBody() makes a search of every query of a view", () => {
  for (const { target } of panelQueries().filter(isView)) {
    const body = searchBody(target, RANGE);
    assert(target.buckets.length === 0 ? body.size !== 0 : body.aggs !== undefined);
  }
});

Deno.test("series() restricts every metric to a namespace and a release", () => {
  assertEquals(series("up"), 'up{namespace="$namespace",release="$release"}');
  assertEquals(series("up", 'job="a"'), 'up{namespace="$namespace",release="$release",job="a"}');
});

Deno.test("fillIn() puts values in the place of variables, and knows them all", () => {
  assertEquals(fillIn("rate(a[$__rate_interval]) > $min_score", VALUES), "rate(a[1m]) > 10");
  assertThrows(() => fillIn("$other", VALUES), TypeError, "$other");
});
