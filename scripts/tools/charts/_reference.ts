/**
 * The reference of the charts' values: each value, its default and its meaning.
 *
 * @module
 */

import { parse } from "yaml";
import { CHARTS, chartSchema, type JsonSchema, OWN, umbrellaSchema } from "./values.ts";

const INTRODUCTION = `# reddit-pipeline

A lambda architecture for Reddit-like data whose answers can be proved, in one release: Kafka, HDFS, Elasticsearch,
and the jobs between them.

    helm install reddit charts/reddit-pipeline -n reddit-pipeline --create-namespace

| preset                        | contents                                                                       |
| ----------------------------- | ------------------------------------------------------------------------------ |
| \`values.yaml\`                 | 3 brokers, NameNode and 3 DataNodes, 3 Elasticsearch nodes, 100 records a second |
| \`values-dev.yaml\`             | a laptop: one pod of each component, about 4 GiB                               |
| \`values-prod.yaml\`            | sizes for 5,000 records a second, with the arithmetic                          |
| \`ci/bring-your-own-values.yaml\` | servers outside the release                                                    |

A schema checks the values on every level: unknown values are refused, except names under \`global\`, which may be a parent
chart's own. Rules over several values fail with a line that begins with \`ERROR:\`.

Numbers reach a server digit by digit. A server's \`config\` wins over the chart's own settings, \`null\` removes one of the
chart's settings, and overrides of settings that the release relies on (listeners, volume, identity) are refused by name.

## Values

Generated from the schemas, which are the jobs' own, by \`make charts\`. A default in parentheses is the job's own.
`;

/** Markdown of the reference. */
export async function valuesReference(folder: string): Promise<string> {
  const umbrella = parse(await Deno.readTextFile(`${folder}/values.yaml`));
  const sections = [section("global", {
    schema: umbrellaSchema().properties!.global!,
    values: umbrella.global,
    prefix: "global.",
  })];
  for (const name of OWN) {
    sections.push(section(name, {
      schema: umbrellaSchema().properties![name]!,
      values: umbrella[name],
      prefix: `${name}.`,
    }));
  }
  const rows = new Map<string, readonly Row[]>();
  for (const chart of CHARTS) {
    const { properties } = chartSchema(chart);
    const { global: _, ...own } = properties!;
    const values = parse(await Deno.readTextFile(`${folder}/charts/${chart}/values.yaml`));
    rows.set(
      chart,
      rowsOf({ properties: own }, { enabled: umbrella[chart].enabled, ...values }, ""),
    );
  }
  const shared = sharedRows(rows);
  sections.push(sharedSection(shared));
  for (const [chart, own] of rows) {
    const kept = own.filter((row) => !shared.has(keyOf(row)))
      .map((row) => ({ ...row, path: `${chart}.${row.path}` }));
    sections.push(`### ${chart}\n\n${table(kept)}`);
  }
  return [INTRODUCTION, ...sections].join("\n");
}

interface Section {
  readonly schema: JsonSchema;
  readonly values: unknown;
  readonly prefix: string;
}

/** A value, and its cells. */
interface Row {
  readonly path: string;
  readonly cells: readonly string[];
}

function section(title: string, { schema, values, prefix }: Section): string {
  return `### ${title}\n\n${table(rowsOf(schema, values, prefix))}`;
}

function table(rows: readonly Row[], ...further: readonly string[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const columns = ["value", "type", "default", "what", ...further];
  return [
    line(columns),
    line(columns.map(() => "---")),
    ...rows.map(({ path, cells }) => line([`\`${path}\``, ...cells])),
  ].join("");
}

/** A value in fewer charts than this is listed in their own tables. */
const SHARED = 3;

function keyOf({ path, cells }: Row): string {
  return [path, ...cells].join("|");
}

/**
 * Values with the same default in several charts, and in most of those that have them, with these
 * charts.
 */
function sharedRows(
  all: ReadonlyMap<string, readonly Row[]>,
): ReadonlyMap<string, { readonly row: Row; readonly charts: readonly string[] }> {
  const owners = new Map<string, { row: Row; charts: string[] }>();
  const having = new Map<string, number>();
  for (const [chart, rows] of all) {
    for (const row of rows) {
      const { charts } = owners.get(keyOf(row)) ?? { charts: [] };
      owners.set(keyOf(row), { row, charts: [...charts, chart] });
      having.set(row.path, (having.get(row.path) ?? 0) + 1);
    }
  }
  return new Map(
    [...owners].filter(([, { row, charts }]) =>
      charts.length >= SHARED && charts.length > having.get(row.path)! / 2
    ),
  );
}

const SHARED_INTRODUCTION = `### Several charts

Below the name of each chart that has it, such as \`kafka.image.tag\`. Where a chart's default is another one, the value
is in its own table.
`;

function sharedSection(shared: ReturnType<typeof sharedRows>): string {
  const rows = [...shared.values()].map(({ row: { path, cells }, charts }) => {
    const names = charts.length === CHARTS.length ? "all" : charts.join(", ");
    return { path, cells: [...cells, names] };
  });
  return `${SHARED_INTRODUCTION}\n${table(rows, "charts")}`;
}

interface Leaf {
  readonly path: string;
  readonly member: JsonSchema;
  readonly value: unknown;
}

function* leaves(schema: JsonSchema, values: unknown, prefix: string): Generator<Leaf> {
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    const value = (values as Record<string, unknown> | undefined)?.[key];
    const path = `${prefix}${key}`;
    const known = Object.keys(member.properties ?? {}).length > 0;
    if (known) yield* leaves(member, value, `${path}.`);
    else yield { path, member, value };
  }
}

function rowsOf(schema: JsonSchema, values: unknown, prefix: string): Row[] {
  return [...leaves(schema, values, prefix)].map(({ path, member, value }) => ({
    path,
    cells: [typeText(member), defaultText(member, value), cell(member)],
  }));
}

function typeText({ type, enum: choices, anyOf, items }: JsonSchema): string {
  if (choices !== undefined) {
    return choices.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  }
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeText))].join(" or ");
  if (type === "array") return `list of ${items === undefined ? "anything" : typeText(items)}`;
  return type ?? "anything";
}

function defaultText({ default: own }: JsonSchema, value: unknown): string {
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  return own === undefined ? "" : `(\`${JSON.stringify(own)}\`)`;
}

function cell({ description = "" }: JsonSchema): string {
  return description.replaceAll("|", "\\|").replaceAll("\n", " ").replace(/\.$/, "");
}
