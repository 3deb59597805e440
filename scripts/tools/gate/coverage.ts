/** Lines of one group of files. */
export interface LineCoverage {
  group: string;
  lines: number;
  hit: number;
}

/** Sums an LCOV report by folder below `jobs/`, sorted by name, with the total at the end. */
export function summarizeCoverage(lcov: string): LineCoverage[] {
  const groups = new Map<string, LineCoverage>();
  const total: LineCoverage = { group: "all", lines: 0, hit: 0 };
  let current: LineCoverage = total;
  for (const line of lcov.split("\n")) {
    const [kind, value = ""] = line.split(/:(.*)/s);
    if (kind === "SF") {
      const group = value.match(/\/jobs\/([^/]+)\//)?.[1] ?? "others";
      current = groups.get(group) ?? { group, lines: 0, hit: 0 };
      groups.set(group, current);
    } else if (kind === "LF") {
      current.lines += Number(value);
      total.lines += Number(value);
    } else if (kind === "LH") {
      current.hit += Number(value);
      total.hit += Number(value);
    }
  }
  const sorted = [...groups.values()].sort((a, b) => a.group < b.group ? -1 : 1);
  return total.lines === 0 ? [] : [...sorted, total];
}

/** The summary as a table of text. */
export function formatCoverage(summary: readonly LineCoverage[]): string {
  const width = Math.max(...summary.map(({ group }) => group.length), 5);
  return summary.map(({ group, lines, hit }) => {
    const percent = lines === 0 ? "-" : `${Math.floor(hit / lines * 1000) / 10}`;
    return `  ${group.padEnd(width)}  ${percent.padStart(5)} %  ${hit} of ${lines} lines`;
  }).join("\n");
}
