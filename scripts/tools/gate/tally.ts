import { parseJunit } from "./junit.ts";

/** Slower tests are listed, so that the causes of a slow gate are visible. */
const SLOW_SECONDS = 5;

/** The counts of a run of the gate so far. */
export class Tally {
  passed = 0;
  /** One line per failure, with its name and reason. */
  readonly failures: string[] = [];
  /** One line per test that did not run. */
  readonly skipped: string[] = [];
  /** One line per slow test, the slowest first. */
  readonly slow: string[] = [];

  /** Counts a check as one test. */
  addCheck(name: string, ok: boolean, why = ""): void {
    if (ok) this.passed++;
    else this.failures.push(why ? `${name}: ${why}` : name);
  }

  /**
   * Counts a run of `deno test`. The report is trusted only as far as the exit code and the list of
   * files agree with it: a run that dies, or a file that breaks before its first test, does not
   * report itself.
   */
  addTestRun(run: TestRun): void {
    const failuresBefore = this.failures.length;
    const seen = new Set<string>();
    try {
      const results = parseJunit(run.report ?? "");
      for (const { file, name, outcome, why } of results) {
        seen.add(file);
        if (outcome === "passed") this.passed++;
        else if (outcome === "cancelled") {
          this.failures.push(`${file}: ${name}: ${run.hung ?? "was cancelled"}`);
        } else if (outcome === "failed") {
          this.failures.push(why ? `${file}: ${name}: ${why}` : `${file}: ${name}`);
        } else this.skipped.push(`${file}: ${name}`);
      }
      const slow = results.filter(({ seconds }) => seconds >= SLOW_SECONDS);
      slow.sort((a, b) => b.seconds - a.seconds);
      this.slow.push(...slow.map((t) => `${t.seconds.toFixed(1)} s  ${t.file}: ${t.name}`));
      for (const file of run.files.filter((file) => !seen.has(file))) {
        this.failures.push(`${file}: ${run.hung ?? "no test of it ran"}`);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.failures.push(`${run.name}: ${run.hung ?? `no usable report (exit code ${run.code})`}`);
    }
    if (run.code !== 0 && this.failures.length === failuresBefore) {
      this.failures.push(
        `${run.name}: ${run.hung ?? `exit code ${run.code} without a failed test`}`,
      );
    }
  }

  /** The last line of the gate. */
  toString(): string {
    return `${this.passed} passed, ${this.failures.length} failed`;
  }
}

/** A finished run of `deno test`. */
export interface TestRun {
  name: string;
  code: number;
  /** The JUnit report, if one was written. */
  report: string | undefined;
  /** Files that must occur in the report, relative to the root. */
  files: readonly string[];
  /** If it was ended for lack of progress: the reason, as in "made no progress for 10 minutes". */
  hung?: string | undefined;
}
