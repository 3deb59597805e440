/**
 * A dashboard: rows of panels, and the variables that filter all of them.
 *
 * @module
 */

import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import type { Panel } from "./panels.ts";
import { PROMETHEUS } from "./targets.ts";

/** Columns of Grafana's grid. */
const COLUMNS = 24;

/** Panels side by side. */
export interface Line {
  /** In units of the grid. */
  readonly height: number;
  readonly panels: readonly Panel[];
  /** Shares of the width, one per panel; equal ones by default. */
  readonly widths?: readonly number[];
}

/** Lines under a heading. */
export interface Section {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** Content of a dashboard. */
export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly sections: readonly Section[];
  /** Besides namespace and release. */
  readonly variables?: readonly Variable[];
}

/** A choice of values. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly values: readonly string[];
  readonly chosen: string;
}

/** The dashboard in Grafana's form. */
export function toDashboard(spec: DashboardSpec): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(spec.title).uid(spec.uid)
    .description(spec.description).tags(["reddit-pipeline"]).refresh("10s")
    .time({ from: "now-30m", to: "now" }).timezone("browser").editable()
    .tooltip(dashboard.DashboardCursorSync.Crosshair).variables([
      oneOf("namespace", "Namespace", "label_values(up, namespace)"),
      oneOf("release", "Release", 'label_values(up{namespace="$namespace"}, release)'),
      ...(spec.variables ?? []).map(choice),
    ]).link(
      new dashboard.DashboardLinkBuilder("reddit-pipeline")
        .type(dashboard.DashboardLinkType.Dashboards).tags(["reddit-pipeline"]).asDropdown(true)
        .includeVars(true).keepTime(true),
    );
  let id = 0;
  let y = 0;
  for (const { title, lines } of spec.sections) {
    const row = new dashboard.RowBuilder(title).id(++id).gridPos({
      x: 0,
      y: y++,
      w: COLUMNS,
      h: 1,
    });
    builder.withRow(row);
    for (const { height, panels, widths = panels.map(() => COLUMNS / panels.length) } of lines) {
      let x = 0;
      panels.forEach((panel, i) => {
        const w = widths[i]!;
        const built = panel.build(++id, { x, y, w, h: height });
        builder.withPanel({ build: () => built });
        x += w;
      });
      y += height;
    }
  }
  return builder.build();
}

function oneOf(name: string, label: string, query: string): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name).label(label)
    .datasource({ type: "prometheus", uid: PROMETHEUS }).definition(query)
    .query({ query, refId: name, qryType: 1 })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc);
}

function choice({ name, label, values, chosen }: Variable): dashboard.CustomVariableBuilder {
  const options = values.map((value) => ({ text: value, value, selected: value === chosen }));
  return new dashboard.CustomVariableBuilder(name).label(label).values(values.join(","))
    .options(options).current(options.find(({ selected }) => selected)!);
}
