import { formatCoverage, summarizeCoverage } from "./coverage.ts";
import { listFiles, needsCluster, needsServers, publicModules, runsAlone } from "./files.ts";
import { Tally } from "./tally.ts";

/** What to run. */
export interface GateOptions {
  /** Files and folders whose tests are wanted; empty for everything, checks included. */
  paths: readonly string[];
  /** Further options of `deno test`. */
  testOptions: readonly string[];
  /** Told each line of progress and of the report. */
  print: (line: string) => void;
  /** All together may take so long, in milliseconds. */
  timeout: number;
}

const IGNORED_IN_COVERAGE = "_test\\.ts$|_bench\\.ts$|/testing/|/tests/";

/** Runs the gate in the current folder and returns what it counted, of which it has printed all but the last line. */
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
  readonly #deadline: number;
  readonly #tally = new Tally();

  constructor(options: GateOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
    this.#deadline = Date.now() + options.timeout;
  }

  async run(): Promise<Tally> {
    const { paths, print } = this.#options;
    const everything = paths.length === 0;
    const found = await listFiles(everything ? ["jobs", "tests"] : paths, "_test.ts");
    // Those that need a cluster run only where they are asked for by name.
    const files = found.filter((file) => !needsCluster(file) || paths.includes(file));
    const alone = files.filter(runsAlone);
    const onServers = files.filter((file) => needsServers(file) && !runsAlone(file));
    const together = files.filter((file) => !runsAlone(file) && !needsServers(file));

    await this.#check("install", "scripts/deno", "install", "--frozen", "--quiet");
    if (everything) await this.#checks();
    if (alone.length > 0) await this.#provideBrowser();
    const coverage = everything
      ? [`--coverage=${this.#scratch}/coverage`, "--coverage-raw-data-only"]
      : [];
    await this.#test("tests", together, ["--parallel", ...coverage]);
    await this.#testOnServers(onServers);
    await this.#test("tests alone", alone, []);
    if (files.length === 0) this.#tally.addCheck("tests", false, "there are none");

    if (everything) await this.#reportCoverage();
    const { slow, skipped, failures } = this.#tally;
    if (slow.length > 0) print(`\nSlow:\n${indent(slow)}`);
    // Options such as --filter skip tests, and whole files, on purpose.
    if (skipped.length > 0 && this.#options.testOptions.length === 0) {
      print(`\nSkipped:\n${indent(skipped)}`);
    }
    if (failures.length > 0) print(`\nFailed:\n${indent(failures)}`);
    return this.#tally;
  }

  async #checks(): Promise<void> {
    await this.#check("format", "scripts/deno", "fmt", "--check", "--quiet");
    await this.#check("lint", "scripts/deno", "lint", "--quiet");
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
    const { stdout, code } = await this.#command("scripts/chromium", [], "piped").output();
    const path = new TextDecoder().decode(stdout).trim();
    if (code === 0) Deno.env.set("CHROME_PATH", path);
    this.#tally.addCheck("browser", code === 0, "Chromium is missing");
  }

  /** Servers stand for these tests only: those that measure time have the machine for themselves. */
  async #testOnServers(files: string[]): Promise<void> {
    if (files.length === 0) return;
    this.#options.print("== servers");
    const { SHARED, startServers } = await import("../servers/mod.ts");
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
    const code = await this.#run(command, args);
    this.#tally.addCheck(name, code === 0, `exit code ${code}`);
  }

  async #test(
    name: string,
    files: string[],
    options: string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    if (files.length === 0) return;
    const { paths, testOptions, print } = this.#options;
    print(`== ${name}`);
    const reportPath = `${this.#scratch}/${name.replaceAll(" ", "_")}.xml`;
    // The whole has been type-checked as a check of its own.
    const checked = paths.length === 0 ? ["--no-check"] : [];
    const common = ["--allow-all", "--frozen", ...checked, `--junit-path=${reportPath}`];
    const args = ["test", ...common, ...options, ...testOptions, ...files];
    const code = await this.#run("scripts/deno", args, env);
    const report = await Deno.readTextFile(reportPath).catch(() => undefined);
    const expected = testOptions.length > 0 ? [] : await this.#mustReport(files, report);
    this.#tally.addTestRun({ name, code, report, files: expected });
  }

  // A report names the file in which a test is written, which may be a suite that others import.
  async #mustReport(files: string[], report = ""): Promise<string[]> {
    const seen = new Set(
      Array.from(report.matchAll(/classname="(?:\.\/)?([^"]+)"/g), ([, f]) => f!),
    );
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

  // Ends a command that outlives the deadline: first politely, so that deno test names the tests
  // that hang.
  async #run(
    command: string,
    args: string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const child = this.#command(command, args, "inherit", env).spawn();
    const timers = [
      setTimeout(() => stop(child, "SIGINT"), Math.max(this.#deadline - Date.now(), 0)),
      setTimeout(() => stop(child, "SIGKILL"), Math.max(this.#deadline - Date.now(), 0) + 10_000),
    ];
    const { code } = await child.status;
    timers.forEach(clearTimeout);
    return code;
  }

  #command(
    command: string,
    args: string[],
    stdout: "inherit" | "piped",
    env: Readonly<Record<string, string>> = {},
  ): Deno.Command {
    return new Deno.Command(command, { args, env, stdin: "null", stdout, stderr: "inherit" });
  }
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

function stop(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended in the meantime.
  }
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}
