import type { Source } from "./_source.ts";

/** The members of the workspace and what their manifests declare. */
export interface Workspace {
  /** Bare names of imports that the root declares. */
  rootImports: readonly string[];
  /** By member, without `@pipeline/`: the bare names that its manifest declares. */
  memberImports: Readonly<Record<string, readonly string[]>>;
}

const JOBS = ["generator", "ingest", "batch", "speed", "serving"];
const BELOW_JOBS = ["core", "runtime", "protocol"];

/**
 * What a member's modules may import. Adapters of a job are a matter of its main.ts, of the
 * entries of its threads (`*_worker.ts`) and of its tests; their settings, of its config.ts.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  runtime: ["core"],
  protocol: ["core", "runtime"],
  adapters: BELOW_JOBS,
  demo: [...BELOW_JOBS, "adapters", ...JOBS],
  ...Object.fromEntries(JOBS.map((job) => [job, BELOW_JOBS])),
};

/** Clients of servers, of metrics and of tests: each is known to one folder only. */
const CLIENTS = ["kafkajs", "@elastic/elasticsearch", "webhdfs", "prom-client"];
const FOR_TESTS = ["fast-check", "playwright-core", "@duckdb/node-api", "typescript"];

const ONLY_IN_MAIN = /^(console|Deno\.(exit|exitCode|env|args)|process\.(exit|env|argv))$/;
const IMPURE =
  /^(Deno\..*|process\..*|fetch|setTimeout|setInterval|queueMicrotask|performance(\..*)?|Date\.now|new Date\(\)|Math\.random|crypto\.(randomUUID|getRandomValues))$/;

/** A folder of what only tests use, such as adapters in memory. */
const TESTING = /\/testing(\/|$)/;

/** Settings of adapters are schemas alone: whoever reads them loads no client. */
const SETTINGS = /^@pipeline\/adapters\/([^/]+\/)?config$/;
const MAY_SETTINGS_IMPORT = ["@pipeline/core", "@pipeline/runtime", "zod"];
/** Those of an adapter, for the one module that has the settings of all. */
const SETTINGS_BELOW = /^\.\/[^/]+\/config\.ts$/;

/** What is wrong with one file, a line each. Outside the jobs, that is only what it imports from tests. */
export function directionProblems(source: Source, workspace: Workspace): string[] {
  const [folder, member, ...inner] = source.path.split("/");
  if (folder !== "jobs" || member === undefined) return folder === "tests" ? [] : testsIn(source);
  const forTests = /(_test|_bench)\.ts$/.test(source.path) || inner.includes("testing");
  const file = inner.length === 1 ? inner[0]! : "";
  const isMain = file === "main.ts";
  const place: Place = {
    member,
    forTests,
    isEntry: isMain || file.endsWith("_worker.ts"),
    isConfig: file === "config.ts",
    isSettings: member === "adapters" && inner.length <= 2 && inner.at(-1) === "config.ts",
    workspace,
  };
  const problems: string[] = [];
  const report = (line: number, text: string) => problems.push(`${source.path}:${line} ${text}`);

  for (const { specifier, line } of source.imports) {
    const forSettings = MAY_SETTINGS_IMPORT.includes(specifier) ||
      inner.length === 1 && SETTINGS_BELOW.test(specifier);
    const why = place.isSettings && !forSettings
      ? `settings may import ${MAY_SETTINGS_IMPORT.join(", ")}`
      : !forTests && TESTING.test(specifier)
      ? "it is for tests"
      : specifier.startsWith(".")
      ? relativeProblem(source.path, specifier)
      : bareProblem(specifier, place);
    if (why) report(line, `imports ${specifier}: ${why}`);
  }
  if (!forTests) {
    for (const { name, line } of source.touches) {
      if (!isMain && ONLY_IN_MAIN.test(name)) report(line, `touches ${name}: only main.ts may`);
      else if (member === "core" && IMPURE.test(name)) {
        report(line, `touches ${name}: core is pure`);
      }
    }
  }
  return problems;
}

function testsIn({ path, imports }: Source): string[] {
  const isTests = (specifier: string) =>
    /^(@pipeline|)\/tests\//.test(
      specifier.startsWith(".") ? new URL(specifier, `file:///${path}`).pathname : `${specifier}/`,
    );
  return imports.filter(({ specifier }) => isTests(specifier))
    .map(({ specifier, line }) => `${path}:${line} imports ${specifier}: tests are nobody's`);
}

interface Place {
  member: string;
  forTests: boolean;
  /** Where a process or a thread of a job begins. */
  isEntry: boolean;
  /** A job's configuration. */
  isConfig: boolean;
  /** An adapter's configuration. */
  isSettings: boolean;
  workspace: Workspace;
}

function bareProblem(specifier: string, place: Place): string | undefined {
  const { member, forTests, workspace } = place;
  if (/^(npm|jsr|https?|file|data):/.test(specifier)) return "the manifest must name it";
  if (specifier.startsWith("node:")) {
    return member === "core" && !forTests ? "core is pure" : undefined;
  }
  const target = specifier.match(/^@pipeline\/([^/]+)/)?.[1];
  if (target !== undefined) {
    if (place.isConfig && JOBS.includes(member) && SETTINGS.test(specifier)) return undefined;
    return memberProblem(target, place);
  }
  const name = specifier.match(/^(@[^/]+\/[^/]+|[^/]+)/)![1]!;
  const declared = [...workspace.rootImports, ...workspace.memberImports[member] ?? []];
  if (!declared.includes(name)) return `jobs/${member}/deno.json does not declare ${name}`;
  if (FOR_TESTS.includes(name) && !forTests) return "it is for tests";
  return undefined;
}

function memberProblem(target: string, { member, forTests, isEntry }: Place): string | undefined {
  if (target === member) return "a member's own modules are imported by relative path";
  const allowed = MAY_IMPORT[member];
  if (allowed === undefined) return `${member} has no place in the order of members`;
  if (allowed.includes(target)) return undefined;
  // Tests above core need something to run on.
  const adaptersAllowed = forTests ? member !== "core" : isEntry && JOBS.includes(member);
  if (target === "adapters" && adaptersAllowed) return undefined;
  return `${member} may import ${allowed.join(", ") || "no other member"}`;
}

function relativeProblem(path: string, specifier: string): string | undefined {
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  const [, member] = path.split("/");
  if (!target.startsWith(`jobs/${member}/`)) return "it lies outside of the member";
  const targetFolder = target.slice(0, target.lastIndexOf("/"));
  const name = target.slice(targetFolder.length + 1);
  const folder = path.slice(0, path.lastIndexOf("/"));
  return name.startsWith("_") && folder !== targetFolder
    ? "it is private to its folder"
    : undefined;
}

/** The clients that more than one folder imports, a line each. */
export function clientProblems(sources: readonly Source[]): string[] {
  return CLIENTS.flatMap((client) => {
    const users = sources.filter(({ path, imports }) =>
      path.startsWith("jobs/") &&
      imports.some(({ specifier }) => specifier === client || specifier.startsWith(`${client}/`))
    );
    const folders = new Set(users.map(({ path }) => path.slice(0, path.lastIndexOf("/"))));
    return folders.size > 1 ? [`${client} is imported in ${[...folders].join(" and ")}`] : [];
  });
}
