/** Rules on the text of any file of the repository. */
export interface TextRule {
  name: string;
  pattern: RegExp;
  /** Paths to which the rule does not apply. */
  except?: RegExp;
}

// The patterns are written so that none of them matches its own source.
export const TEXT_RULES: readonly TextRule[] = [
  {
    name: "a path of one machine",
    pattern: /(?:(?<![\w.$}/-])|(?<=file:\/\/))\/(?:work|root|home)\/\w/,
  },
  {
    name: "a host of a package registry",
    pattern:
      /\b(?:registry\.(?:npmjs|yarnpkg)|pypi|files\.pythonhosted|repo1?\.maven|deb\.debian|proxy\.golang|(?:static|index)\.crates)\.(?:org|com|io|apache\.org)\b|\bnpm\.jsr\.io\b/,
  },
  { name: "something left to do", pattern: /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/ },
  { name: "a carriage return", pattern: /\r/ },
  { name: "white space at the end of a line", pattern: /[ \t]$/, except: /\.md$/ },
  { name: "a merge conflict", pattern: /^(?:<{7}|>{7}) / },
];

/** Where the rules are broken in a text, a line each. */
export function textProblems(path: string, text: string): string[] {
  const problems = text.split("\n").flatMap((line, i) =>
    TEXT_RULES.filter(({ pattern, except }) => pattern.test(line) && !except?.test(path))
      .map(({ name }) => `${path}:${i + 1} has ${name}`)
  );
  if (text !== "" && !text.endsWith("\n")) problems.push(`${path} has no newline at its end`);
  return problems;
}

/** Whether a TypeScript file is named in snake case, with an underscore before private ones. */
export function isSnakeCase(path: string): boolean {
  return /(^|\/)_?[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.tsx?$/.test(path);
}

/** The targets of a Makefile, with whether their line says what they do. */
export function makeTargets(makefile: string): Map<string, boolean> {
  const rules = makefile.matchAll(/^([a-z][\w-]*):(?!=)(.*)$/gm);
  return new Map(Array.from(rules, ([, name, rest]) => [name!, rest!.includes("## ")]));
}

/** The targets and scripts that a Markdown text tells its readers to run. */
export function namedCommands(markdown: string): { targets: string[]; scripts: string[] } {
  const fenced = markdown.match(/^```[^]*?^```/gm) ?? [];
  const indented = markdown.match(/^(?: {4}|\t)(?![-*\d ]).*$/gm) ?? [];
  const spans = markdown.match(/`[^`\n]+`/g) ?? [];
  const code = [...fenced, ...indented, ...spans].join("\n");
  const targets = code.matchAll(/(?<![\w./-])make ((?:[A-Z]\w*=\S* )*)([a-z][\w-]*)/g);
  const scripts = code.matchAll(/(?<![\w/])(scripts\/[\w-]+|\.ci\/[\w-]+)/g);
  return {
    targets: unique(Array.from(targets, ([, , name]) => name!)),
    scripts: unique(Array.from(scripts, ([, name]) => name!)),
  };
}

function unique(values: string[]): string[] {
  return [...new Set(values)].sort();
}
