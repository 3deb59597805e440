/**
 * Panels: the look of each kind, so that dashboards only define their content.
 *
 * @module
 */

import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import { datasourceOf, type Form, type Target, toQuery } from "./targets.ts";

/** The colour from each value on; the first one has no value. */
export type Steps = readonly (readonly [from: number | null, color: string])[];

/** Green for any value. */
export const CALM: Steps = [[null, "green"]];

/** Orange from `warn` on, red from `alarm` on. */
export function above(warn: number, alarm: number): Steps {
  return [[null, "green"], [warn, "orange"], [alarm, "red"]];
}

/** Red from `alarm` on. */
export function from(alarm: number): Steps {
  return [[null, "green"], [alarm, "red"]];
}

/** Red below `alarm`, orange below `warn`. */
export function below(warn: number, alarm: number): Steps {
  return [[null, "red"], [alarm, "orange"], [warn, "green"]];
}

/** Options of a panel. */
export interface PanelOptions {
  readonly title: string;
  /** What it shows and how to interpret it. */
  readonly description: string;
  /** An id of Grafana's units. */
  readonly unit: string;
  readonly targets: readonly Target[];
  /** {@linkcode CALM} by default. */
  readonly steps?: Steps;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  /** Shown if there is no value. */
  readonly noValue?: string;
  /** Texts that replace values. */
  readonly texts?: Readonly<Record<string, string>>;
  /** A range of time of its own, up to now, such as `24h`. */
  readonly timeFrom?: string;
}

/** Options of a table. */
export interface TableOptions extends PanelOptions {
  /** Transformations of the answers before they are shown. */
  readonly transformations: readonly dashboard.DataTransformerConfig[];
  /** Units of the columns that differ from the table's. */
  readonly units?: Readonly<Record<string, string>>;
}

/** A panel without a position. */
export interface Panel {
  readonly options: PanelOptions;
  /** Builds the panel at a position. */
  build(id: number, place: dashboard.GridPos): dashboard.Panel;
}

/** The common methods of the SDK's panel builders. */
interface Builder extends cog.Builder<dashboard.Panel> {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  unit(unit: string): this;
  decimals(decimals: number): this;
  min(min: number): this;
  max(max: number): this;
  noValue(text: string): this;
  mappings(mappings: dashboard.ValueMapping[]): this;
  timeFrom(range: string): this;
  thresholds(steps: cog.Builder<dashboard.ThresholdsConfig>): this;
  datasource(ref: common.DataSourceRef): this;
  gridPos(place: dashboard.GridPos): this;
  withTarget(target: cog.Builder<cog.Dataquery>): this;
}

/** One figure per series, with its recent course in the background. */
export function figure(options: PanelOptions): Panel {
  return panel(
    options,
    "series",
    () =>
      new stat.PanelBuilder().graphMode(common.BigValueGraphMode.Area)
        .colorMode(common.BigValueColorMode.Value).reduceOptions(last()),
  );
}

/** Lines over time. A threshold is drawn unless it is {@linkcode CALM}. */
export function lines(options: PanelOptions): Panel {
  return panel(options, "series", () => {
    const builder = new timeseries.PanelBuilder().lineWidth(1).fillOpacity(8)
      .showPoints(common.VisibilityMode.Never)
      .legend(
        new common.VizLegendOptionsBuilder().showLegend(true)
          .displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom),
      )
      .tooltip(
        new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi)
          .sort(common.SortOrder.Descending),
      )
      .colorScheme({ build: () => ({ mode: dashboard.FieldColorModeId.PaletteClassic }) });
    if ((options.steps ?? CALM).length === 1) return builder;
    return builder.thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed),
    );
  });
}

/** One bar per series, in the query's order, longest first. */
export function bars(options: PanelOptions): Panel {
  return panel(
    options,
    "last",
    () =>
      new bargauge.PanelBuilder().orientation(common.VizOrientation.Horizontal)
        .displayMode(common.BarGaugeDisplayMode.Gradient).reduceOptions(last()),
  );
}

/** Rows and columns. */
export function rows(options: TableOptions): Panel {
  return panel(options, "table", () => {
    const builder = new table.PanelBuilder().filterable(false)
      .transformations([...options.transformations]);
    for (const [column, unit] of Object.entries(options.units ?? {})) {
      builder.overrideByName(column, [{ id: "unit", value: unit }]);
    }
    return builder;
  });
}

function last(): common.ReduceDataOptionsBuilder {
  return new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);
}

function panel(options: PanelOptions, form: Form, make: () => Builder): Panel {
  const { title, description, unit, targets, steps = CALM } = options;
  const build = (id: number, place: dashboard.GridPos) => {
    const builder = make().id(id).title(title).description(description).unit(unit).gridPos(place)
      .datasource(datasourceOf(targets[0]!)).thresholds(toThresholds(steps));
    if (options.decimals !== undefined) builder.decimals(options.decimals);
    if (options.min !== undefined) builder.min(options.min);
    if (options.max !== undefined) builder.max(options.max);
    if (options.noValue !== undefined) builder.noValue(options.noValue);
    if (options.timeFrom !== undefined) builder.timeFrom(options.timeFrom);
    if (options.texts !== undefined) builder.mappings([toMapping(options.texts)]);
    targets.forEach((target, i) =>
      builder.withTarget(toQuery(target, String.fromCharCode(65 + i), form))
    );
    return builder.build();
  };
  return { options, build };
}

function toThresholds(steps: Steps): cog.Builder<dashboard.ThresholdsConfig> {
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}

function toMapping(texts: Readonly<Record<string, string>>): dashboard.ValueMapping {
  const options = Object.entries(texts).map(([value, text], index) =>
    [value, { text, index }] as const
  );
  return { type: dashboard.MappingType.ValueToText, options: Object.fromEntries(options) };
}
