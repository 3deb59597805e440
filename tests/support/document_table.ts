/**
 * Tables in documents that commands keep up to date: each stands between two marks, and rows of
 * what was not run again stay as they are.
 *
 * @module
 */

/** A table's rows by what they belong to, which their first cell names. */
export type Rows = ReadonlyMap<string, readonly (readonly string[])[]>;

/** Where a table stands. */
export interface TablePlace {
  /** The document. */
  readonly document: URL;
  /** Of the marks `<!-- mark -->` and `<!-- end of mark -->`. */
  readonly mark: string;
  /** What the columns are called. */
  readonly head: readonly string[];
  /** First cells in their order; rows of others are dropped. */
  readonly order: readonly string[];
}

/** The table in Markdown. */
export function renderTable(
  head: readonly string[],
  body: readonly (readonly string[])[],
): string {
  const rows = [head, ...body].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const [first, ...rest] = rows;
  return [line(first!), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)]
    .join("\n");
}

/** Puts rows in the place of those that the document has of the same; returns the whole table. */
export async function updateTable(place: TablePlace, rows: Rows): Promise<string> {
  const { document, mark, head, order } = place;
  const text = await Deno.readTextFile(document);
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no marks of "${mark}"`);
  const kept = Map.groupBy(
    text.slice(from, to).split("\n").filter((line) => line.startsWith("| ")).slice(2)
      .map((line) =>
        line.slice(2, -2).split(/ (?<!\\)\| /).map((cell) => cell.trim().replaceAll("\\|", "|"))
      ),
    ([name]) => name!,
  );
  const table = renderTable(head, order.flatMap((name) => rows.get(name) ?? kept.get(name) ?? []));
  await Deno.writeTextFile(
    document,
    `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`,
  );
  return table;
}

/** The machine and the day, for a row. */
export function whereAndWhen(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${navigator.hardwareConcurrency} cores`;
}
