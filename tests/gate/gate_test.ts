import { assert, assertEquals, assertThrows } from "@std/assert";
import { formatCoverage, summarizeCoverage } from "../../scripts/tools/gate/coverage.ts";
import { runsAlone } from "../../scripts/tools/gate/files.ts";
import { parseJunit } from "../../scripts/tools/gate/junit.ts";
import { Tally } from "../../scripts/tools/gate/tally.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.110">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="says &lt;b&gt; &amp; &quot;c&quot; &#x2713;" classname="./a_test.ts" time="7.25" line="1" col="6">
        </testcase>
        <testcase name="fails" classname="./a_test.ts" time="0.000" line="1" col="6">
            <failure message="Uncaught (in promise) Error: 3 &lt; 4
and more">&lt;testcase name=&quot;x&quot;&gt;</failure>
        </testcase>
        <testcase name="is cancelled" classname="./a_test.ts" time="0.000" line="1" col="6">
            <error message="Cancelled"/>
        </testcase>
        <testcase name="is off" classname="./a_test.ts" line="1" col="6">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test("parseJunit() reads names and outcomes", () => {
  const results = parseJunit(REPORT);
  assertEquals(results.map(({ outcome }) => outcome), ["passed", "failed", "cancelled", "skipped"]);
  assertEquals(results[0], {
    file: "a_test.ts",
    name: 'says <b> & "c" ✓',
    outcome: "passed",
    seconds: 7.25,
  });
});

Deno.test("parseJunit() refuses a report that is cut off", () => {
  for (const length of [0, 60, REPORT.length - 5]) {
    assertThrows(() => parseJunit(REPORT.slice(0, length)), SyntaxError, "cut off");
  }
});

Deno.test("Tally counts passed, failed, skipped and slow tests", () => {
  const tally = new Tally();
  tally.addCheck("format", true);
  tally.addCheck("lint", false, "exit code 1");
  tally.addTestRun({ name: "tests", code: 1, report: REPORT, files: ["a_test.ts"] });
  assertEquals(`${tally}`, "2 passed, 3 failed");
  assertEquals(tally.failures, [
    "lint: exit code 1",
    "a_test.ts: fails: Error: 3 < 4",
    "a_test.ts: is cancelled: was cancelled",
  ]);
  assertEquals(tally.skipped, ["a_test.ts: is off"]);
  assertEquals(tally.slow, ['7.3 s  a_test.ts: says <b> & "c" ✓']);
});

Deno.test("summarizeCoverage() sums by folder, and all", () => {
  const lcov = ["core/a", "core/sub/b", "speed/c"].map((path, i) =>
    `SF:/somewhere/jobs/${path}.ts\nDA:1,1\nLH:${i + 1}\nLF:4\nend_of_record\n`
  ).join("");
  assertEquals(formatCoverage(summarizeCoverage(lcov)).split("\n"), [
    "  core    37.5 %  3 of 8 lines",
    "  speed     75 %  3 of 4 lines",
    "  all       50 %  6 of 12 lines",
  ]);
  assertEquals(summarizeCoverage(""), []);
});

Deno.test("runsAlone() sets tests of processes and of time apart", () => {
  assertEquals(
    ["tests/e2e/demo_test.ts", "jobs/core/fold_perf_test.ts", "jobs/core/fold_test.ts"].map(
      runsAlone,
    ),
    [true, true, false],
  );
});

const WAYS_TO_BREAK: [name: string, code: string, failure: string][] = [
  ["a test fails", 'Deno.test("a", () => { throw new Error("no"); });', "a_test.ts: a: Error: no"],
  ["a file throws at its top", 'throw new Error("no");', "a_test.ts: no test of it ran"],
  ["a file has no test", "export const a = 1;", "a_test.ts: no test of it ran"],
  ["a file is no code", "const = 1;", "run: no usable report (exit code 1)"],
  ["an import is missing", 'import "./missing.ts";', "run: no usable report (exit code 1)"],
  [
    "the process dies",
    'Deno.test("a", () => Deno.kill(Deno.pid, "SIGKILL"));',
    "run: no usable report (exit code 137)",
  ],
];

for (const [name, code, failure] of WAYS_TO_BREAK) {
  Deno.test(`Tally counts a failure of deno test when ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/a_test.ts`, code);
      await Deno.writeTextFile(`${folder}/good_test.ts`, 'Deno.test("good", () => {});');
      const { code: exitCode } = await new Deno.Command(Deno.execPath(), {
        args: ["test", "--allow-all", "--no-check", "--no-config", "--junit-path=report.xml"],
        cwd: folder,
        stdout: "null",
        stderr: "null",
      }).output();
      const report = await Deno.readTextFile(`${folder}/report.xml`).catch(() => undefined);
      const tally = new Tally();
      const files = ["a_test.ts", "good_test.ts"];
      tally.addTestRun({ name: "run", code: exitCode, report, files });
      assertEquals(tally.failures, [failure]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("Tally counts a failure that only the exit code reveals", () => {
  const tally = new Tally();
  const report =
    '<testsuites><testcase name="a" classname="a_test.ts" time="0"></testcase></testsuites>\n';
  tally.addTestRun({ name: "tests", code: 1, report, files: ["a_test.ts"] });
  assertEquals([`${tally}`, tally.failures], [
    "1 passed, 1 failed",
    ["tests: exit code 1 without a failed test"],
  ]);
});

/** Milliseconds in which a test that does not hang has ended, also on a machine that is busy. */
const LIMIT = 15_000;

/** Runs the gate in a project that has these tests. */
async function gate(files: Readonly<Record<string, string>>, quick = false): Promise<Tally> {
  const root = await Deno.makeTempDir();
  try {
    const of = (path: string) => new URL(path, import.meta.url).href;
    await Deno.symlink(new URL("../../scripts", import.meta.url).pathname, `${root}/scripts`);
    for (const [name, code] of Object.entries(files)) {
      await Deno.writeTextFile(`${root}/${name}_test.ts`, code);
    }
    await Deno.writeTextFile(`${root}/deno.json`, "{}");
    await Deno.writeTextFile(
      `${root}/main.ts`,
      `import { runGate } from "${of("../../scripts/tools/gate/gate.ts")}";
      const options = { testOptions: ["--no-check"], print: console.error, limit: ${LIMIT} };
      const tally = await runGate({ ...options, paths: ["."], quick: ${quick} });
      Deno.writeTextFileSync("tally.json", JSON.stringify(tally));`,
    );
    await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--no-config", "main.ts"],
      cwd: root,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return JSON.parse(await Deno.readTextFile(`${root}/tally.json`));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("runGate() ends and names tests that hang, and runs those that come after them", async () => {
  const { passed, failures } = await gate({
    a: `const forever = () => new Promise<void>(() => setInterval(() => {}, 1_000));
        Deno.test("before", () => {});
        Deno.test("waits", () => forever());`,
    b: 'Deno.test("loops", () => { for (;;); });',
    c: 'setInterval(() => {}, 1_000); await new Promise(() => {}); Deno.test("never", () => {});',
    d: 'Deno.test("after", () => {}); Deno.test("fails", () => { throw new Error("no"); });',
    e: `const later = () => new Promise((resolve) => setTimeout(resolve, 100));
        Deno.test("talks", async () => { for (;;) { console.log("a ... b"); await later(); } });`,
  });
  const why = "made no progress for 15 s";
  for (const name of ["a_test.ts: waits", "b_test.ts: loops", "c_test.ts", "e_test.ts: talks"]) {
    assert(failures.includes(`${name}: ${why}`), `${name} is not among ${failures.join("; ")}`);
  }
  assert(failures.includes("d_test.ts: fails: Error: no"));
  // "before", "after", and the check "install".
  assertEquals(passed, 3, failures.join("; "));
});

Deno.test("runGate() leaves out what needs servers or the machine for itself where it is to be quick", async () => {
  const fails = 'Deno.test("fails", () => { throw new Error("no"); });';
  const files = { a: 'Deno.test("a", () => {});', b_servers: fails, c_perf: fails };
  const { passed, failures } = await gate(files, true);
  // The test, and the check "install".
  assertEquals([passed, failures], [2, []]);
});
