/**
 * Panels: what each kind looks like, so that dashboards only say what they show.
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

/** A colour from each value on; the first has none. */
export type Steps = readonly (readonly [from: number | null, color: string])[];

/** Green whatever the value is. */
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

/** What is said of a panel. */
export interface PanelOptions {
  readonly title: string;
  /** What it shows and what to make of it. */
  readonly description: string;
  /** An id of Grafana's units. */
  readonly unit: string;
  readonly targets: readonly Target[];
  /** {@linkcode CALM} where not given. */
  readonly steps?: Steps;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  /** Shown where there is no value. */
  readonly noValue?: string;
  /** Texts in place of values. */
  readonly texts?: Readonly<Record<string, string>>;
  /** A range of time of its own, back from now, such as `24h`. */
  readonly timeFrom?: string;
}

/** What is said of a table. */
export interface TableOptions extends PanelOptions {
  /** What is made of the answers before they are shown. */
  readonly transformations: readonly dashboard.DataTransformerConfig[];
  /** Units of columns that have another than the table's. */
  readonly units?: Readonly<Record<string, string>>;
}

/** A panel that has no place yet. */
export interface Panel {
  readonly options: PanelOptions;
  /** The panel at a place. */
  build(id: number, place: dashboard.GridPos): dashboard.Panel;
}

/** What all the SDK's builders of panels have. */
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

/** One figure each, with its recent course behind it. */
export function figure(options: PanelOptions): Panel {
  return panel(
    options,
    "series",
    () =>
      new stat.PanelBuilder().graphMode(common.BigValueGraphMode.Area)
        .colorMode(common.BigValueColorMode.Value).reduceOptions(last()),
  );
}

/** Lines over time. A threshold is drawn where it is not {@linkcode CALM}. */
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

/** A bar each, longest first as the query sorts them. */
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
