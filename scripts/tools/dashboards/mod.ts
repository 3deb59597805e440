/**
 * The dashboards, as committed to the chart of Grafana.
 *
 * @module
 */

import { type DashboardSpec, toDashboard } from "./dashboard.ts";
import { ELASTICSEARCH } from "./elasticsearch.ts";
import { HDFS } from "./hdfs.ts";
import { JOBS_DASHBOARD } from "./jobs.ts";
import { KAFKA } from "./kafka.ts";
import { PIPELINE } from "./pipeline.ts";
import { REDDIT_NOW } from "./reddit_now.ts";
import { datasourceOf, type Target } from "./targets.ts";

export * from "./targets.ts";

/** All dashboards. */
export const DASHBOARDS: readonly DashboardSpec[] = [
  REDDIT_NOW,
  PIPELINE,
  KAFKA,
  HDFS,
  ELASTICSEARCH,
  JOBS_DASHBOARD,
];

/** Folder of the dashboards in the chart. */
export const FOLDER = "charts/reddit-pipeline/charts/grafana/files/dashboards";

/** The content of each dashboard's file, by path. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map(DASHBOARDS.map((spec) => [
    `${FOLDER}/${spec.uid}.json`,
    toText(toDashboard(spec)),
  ]));
}

/** A dashboard's JSON, one panel per line. */
function toText({ panels = [], ...rest }: ReturnType<typeof toDashboard>): string {
  const members = Object.entries(rest).map(([name, value]) =>
    `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`
  );
  const lines = panels.map((panel) => `    ${JSON.stringify(panel)}`);
  return `{\n${members.join(",\n")},\n  "panels": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** A query of a panel. */
export interface PanelQuery {
  /** Uid of the dashboard. */
  readonly dashboard: string;
  /** Title of the panel. */
  readonly panel: string;
  /** Uid of the datasource. */
  readonly datasource: string;
  /** Contains the dashboards' variables. */
  readonly target: Target;
  /**
   * The panel's own range of time, if it differs from the dashboard's: minutes or hours, such as
   * `24h`.
   */
  readonly timeFrom: string | undefined;
}

/** Every query of every panel. */
export function panelQueries(): PanelQuery[] {
  return DASHBOARDS.flatMap(({ uid, sections }) =>
    sections.flatMap(({ lines }) => lines).flatMap(({ panels }) => panels)
      .flatMap(({ options }) =>
        options.targets.map((target) => ({
          dashboard: uid,
          panel: options.title,
          datasource: datasourceOf(target).uid,
          target,
          timeFrom: options.timeFrom,
        }))
      )
  );
}
