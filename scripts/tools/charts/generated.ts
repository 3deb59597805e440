/**
 * The generated files of the charts, by path.
 *
 * @module
 */

import { SPECS } from "@pipeline/demo/specs";
import { withDefaults } from "./_defaults.ts";
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
    [`${CHART}/charts/common/templates/_needs.tpl`, needs()],
    ...await Promise.all(SPECS.map(({ name }) => defaults(name))),
    [`${CHART}/README.md`, await valuesReference(CHART)],
  ]);
}

/** The values of a job's chart, with the defaults of its settings. */
async function defaults(job: string): Promise<[path: string, text: string]> {
  const path = `${CHART}/charts/${job}/values.yaml`;
  const { config } = chartSchema(job).properties!;
  return [path, withDefaults(await Deno.readTextFile(path), config!)];
}

/** The servers of each job, as a template: a chart cannot read another one's files. */
function needs(): string {
  const lines = SPECS.map(({ name, needs }) =>
    `  {"job": "${name}", "needs": ${JSON.stringify(needs).replaceAll(",", ", ")}}`
  );
  return [
    "{{/* Written by `make charts` from the jobs: the servers that each of them needs. A JSON list. */}}",
    '{{- define "common.needs" -}}',
    `[\n${lines.join(",\n")}\n]`,
    "{{- end }}\n",
  ].join("\n");
}
