/**
 * The files of the charts that are generated, by path.
 *
 * @module
 */

import { valuesReference } from "./_reference.ts";
import { CHART } from "./_render.ts";
import { CHARTS, chartSchema, type JsonSchema, umbrellaSchema } from "./_values.ts";

/** The content of each generated file. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    [`${CHART}/values.schema.json`, toText(umbrellaSchema())],
    ...CHARTS.map((chart) =>
      [`${CHART}/charts/${chart}/values.schema.json`, toText(chartSchema(chart))] as const
    ),
    [`${CHART}/README.md`, await valuesReference(CHART)],
  ]);
}

function toText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
