import { formatCoverage, summarizeCoverage } from "./coverage.ts";
import {
  listFiles,
  needsCluster,
  needsServers,
  publicModules,
  runsAlone,
  sharesServers,
} from "./files.ts";
import { Tally } from "./tally.ts";
import { runWatched, TEST_RESULT } from "./watched.ts";

/** What to run. */
export interface GateOptions {
  /** Files and folders of the tests to run; empty for everything, including the checks. */
  paths: readonly string[];
  /** Instead of paths: the checks, and quick tests without servers. Without coverage. */
  quick?: boolean;
  /** Further options of `deno test`. */
  testOptions: readonly string[];
  /** Prints each line of progress and of the report. */
  print: (line: string) => void;
  /** Milliseconds that a check, and a test or a step of one, may take; the total is not limited. */
  limit: number;
}

/** Checks that download or build missing tools, which may take longer. */
const SET_UP: readonly string[] = ["install", "helm"];
const SET_UP_LIMIT = 30 * 60_000;

/** Folders of quick tests, except those that need servers or the machine to themselves. */
const QUICK: readonly string[] = ["jobs", "tests/laws", "tests/layers", "tests/charts"];

const IGNORED_IN_COVERAGE = "_test\\.ts$|_bench\\.ts$|/testing/|/tests/";

/**
 * Runs the gate in the current folder and returns its counts, of which it has printed all but the
 * last line.
 */
export async function runGate(options: GateOptions): Promise<Tally> {
  const scratch = await Deno.makeTempDir({ prefix: "gate-" });
  try {
    return await new Gate(options, scratch).run();
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

class Gate {
  readonly #options: GateOptions;
  readonly #scratch: string;
  readonly #tally = new Tally();

  constructor(options: GateOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
  }

  async run(): Promise<Tally> {
    const { paths, print, quick = false } = this.#options;
    const everything = paths.length === 0;
    const all = quick ? QUICK : ["jobs", "tests"];
    const found = await listFiles(everything ? all : paths, "_test.ts");
    // Tests that need a cluster run only if they are requested by name.
    const files = found.filter((file) => !needsCluster(file) || paths.includes(file))
      .filter((file) => !quick || !(runsAlone(file) || needsServers(file)));
    const alone = files.filter(runsAlone);
    const onServers = files.filter((file) => needsServers(file) && !runsAlone(file));
    const shares = await Promise.all(onServers.map(sharesServers));
    const together = files.filter((file) => !runsAlone(file) && !needsServers(file));

    await this.#check("install", "scripts/deno", "install", "--frozen", "--quiet");
    // If Helm must be built, that takes longer than a test may.
    if (everything) await this.#check("helm", "scripts/helm", "version", "--short");
    if (everything) await this.#checks();
    if (alone.length > 0) await this.#provideBrowser();
    const covered = everything && !quick;
    const coverage = covered
      ? [`--coverage=${this.#scratch}/coverage`, "--coverage-raw-data-only"]
      : [];
    await this.#test("tests", together, ["--parallel", ...coverage]);
    await this.#testOnServers(onServers.filter((_, i) => shares[i]));
    // Other servers would take part of the machine from these tests' own servers.
    await this.#test("tests with own servers", onServers.filter((_, i) => !shares[i]), []);
    await this.#test("tests alone", alone, []);
    if (files.length === 0) this.#tally.addCheck("tests", false, "there are none");

    if (covered) await this.#reportCoverage();
    const { slow, skipped, failures } = this.#tally;
    if (slow.length > 0) print(`\nSlow:\n${indent(slow)}`);
    if (skipped.length > 0 && !this.#selects) {
      print(`\nSkipped:\n${indent(skipped)}`);
    }
    if (failures.length > 0) print(`\nFailed:\n${indent(failures)}`);
    return this.#tally;
  }

  /** Whether options such as --filter skip tests, and whole files, on purpose. */
  get #selects(): boolean {
    return this.#options.testOptions.some((option) => option !== "--no-check");
  }

  async #checks(): Promise<void> {
    await this.#check("format", "scripts/deno", "fmt", "--check", "--quiet");
    await this.#check("lint", "scripts/deno", "lint", "--quiet");
    await this.#check("shell", "scripts/deno", "task", "--quiet", "shell");
    await this.#check("types", "scripts/deno", "check", "--frozen", "--quiet", ".");
    await this.#check(
      "documentation",
      "scripts/deno",
      "doc",
      "--lint",
      "--quiet",
      ...await publicModules(),
    );
  }

  async #provideBrowser(): Promise<void> {
    const { stdout, code } = await new Deno.Command("scripts/chromium", { stderr: "inherit" })
      .output();
    const path = new TextDecoder().decode(stdout).trim();
    if (code === 0) Deno.env.set("CHROME_PATH", path);
    this.#tally.addCheck("browser", code === 0, "Chromium is missing");
  }

  /** Servers run for these tests only: tests that measure time have the machine to themselves. */
  async #testOnServers(files: string[]): Promise<void> {
    if (files.length === 0) return;
    const { SHARED, startServers } = await import("../servers/mod.ts");
    if (Deno.env.has(SHARED)) return await this.#test("tests on servers", files, []);
    this.#options.print("== servers");
    try {
      await using servers = await startServers({ data: `${this.#scratch}/servers` });
      this.#tally.addCheck("servers", true);
      await this.#test("tests on servers", files, [], { [SHARED]: servers.data });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#tally.addCheck("servers", false, error.message);
      for (const file of files) this.#tally.addCheck(file, false, "there are no servers for it");
    }
  }

  async #check(name: string, command: string, ...args: string[]): Promise<void> {
    this.#options.print(`== ${name}`);
    const limit = SET_UP.includes(name) ? SET_UP_LIMIT : this.#options.limit;
    const { code, stalled } = await runWatched(command, args, { limit });
    this.#tally.addCheck(
      name,
      code === 0,
      stalled ? `took over ${time(limit)}` : `exit code ${code}`,
    );
  }

  /** Runs tests. The tests after one that hangs are run as well, each file by itself. */
  async #test(
    name: string,
    files: string[],
    options: string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    if (files.length === 0) return;
    this.#options.print(`== ${name}`);
    const run = { name, files, args: [...options, ...files], env };
    for (const file of await this.#testRun(run)) {
      this.#options.print(`== ${name}: ${file}`);
      await this.#testRun({ ...run, name: file, files: [file], args: [...options, file] });
    }
  }

  /** Runs tests once, and returns the files that did not run because a test hung. */
  async #testRun({ name, files, args, env }: {
    readonly name: string;
    readonly files: string[];
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  }): Promise<string[]> {
    const { paths, testOptions, print, limit } = this.#options;
    const reportPath = `${this.#scratch}/${name.replaceAll(/[ /]/g, "_")}.xml`;
    // Everything has been type-checked by a check of its own.
    const checked = paths.length === 0 ? ["--no-check"] : [];
    const common = ["--allow-all", "--frozen", ...checked, `--junit-path=${reportPath}`];
    const { code, stalled } = await runWatched("scripts/deno", [
      ...["test", ...common, ...testOptions, ...args],
    ], { env, limit, progress: TEST_RESULT });
    if (stalled) print(`\n${name} made no progress for ${time(limit)}: what ran was ended`);
    const report = await Deno.readTextFile(reportPath).catch(() => undefined);
    const expected = this.#selects ? [] : await this.#mustReport(files, report);
    const left = stalled && files.length > 1
      ? expected.filter((file) => !reported(report).has(file))
      : [];
    const told = expected.filter((file) => !left.includes(file));
    const hung = stalled ? `made no progress for ${time(limit)}` : undefined;
    this.#tally.addTestRun({ name, code, report, files: told, hung });
    return left;
  }

  // A report names the file in which a test is written, which may be a suite that others import.
  async #mustReport(files: string[], report = ""): Promise<string[]> {
    const seen = reported(report);
    const expected: string[] = [];
    for (const file of files) {
      const suites = [...seen].filter((path) => !files.includes(path));
      const excused = !seen.has(file) && suites.length > 0 &&
        (await importedBy(file)).some((path) => suites.includes(path));
      if (!excused) expected.push(file);
    }
    return expected;
  }

  async #reportCoverage(): Promise<void> {
    const lcov = `${this.#scratch}/coverage.lcov`;
    const { success } = await new Deno.Command("scripts/deno", {
      args: [
        "coverage",
        "--lcov",
        `--include=^file://.*/jobs/`,
        `--exclude=${IGNORED_IN_COVERAGE}`,
        `--output=${lcov}`,
        `${this.#scratch}/coverage`,
      ],
      stdout: "null",
      stderr: "null",
    }).output();
    const summary = success ? summarizeCoverage(await Deno.readTextFile(lcov)) : [];
    this.#options.print(
      summary.length > 0
        ? `\nLine coverage of the loaded modules (tests that run alone not counted):\n${
          formatCoverage(summary)
        }`
        : "\nNo coverage was recorded.",
    );
  }
}

/** The files in a report. */
function reported(report = ""): Set<string> {
  return new Set(Array.from(report.matchAll(/classname="(?:\.\/)?([^"]+)"/g), ([, f]) => f!));
}

function time(milliseconds: number): string {
  return milliseconds < 60_000 ? `${milliseconds / 1000} s` : `${milliseconds / 60_000} minutes`;
}

/** The local modules that a module imports, directly or not, relative to the current folder. */
async function importedBy(file: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("scripts/deno", {
    args: ["info", "--json", "--quiet", file],
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const { modules = [] }: { modules?: { local?: string }[] } = text === "" ? {} : JSON.parse(text);
  const root = `${Deno.cwd()}/`;
  return modules.flatMap(({ local }) => local?.startsWith(root) ? [local.slice(root.length)] : []);
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}
