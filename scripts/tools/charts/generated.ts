/**
 * The files of the charts that are generated, by path.
 *
 * @module
 */

import { valuesReference } from "./_reference.ts";
import { CHART } from "./render.ts";
import { schemaText } from "./_schema_text.ts";
import { CHARTS, chartSchema, umbrellaSchema } from "./values.ts";

/** The content of each generated file. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    [`${CHART}/values.schema.json`, schemaText(umbrellaSchema())],
    ...CHARTS.map((chart) =>
      [`${CHART}/charts/${chart}/values.schema.json`, schemaText(chartSchema(chart))] as const
    ),
    [`${CHART}/README.md`, await valuesReference(CHART)],
  ]);
}
