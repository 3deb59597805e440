import { assertEquals, assertStringIncludes } from "@std/assert";
import { listFiles } from "../../scripts/tools/gate/files.ts";
import { clientProblems, directionProblems, type Workspace } from "./_direction.ts";
import { parseSource } from "./_source.ts";

async function readWorkspace(): Promise<Workspace> {
  const importsOf = async (path: string) =>
    Object.keys(JSON.parse(await Deno.readTextFile(path)).imports ?? {});
  const manifests = (await listFiles(["jobs"], "deno.json"))
    .filter((path) => path.split("/").length === 3);
  const entries = await Promise.all(
    manifests.map(async (path) => [path.split("/")[1]!, await importsOf(path)] as const),
  );
  return {
    rootImports: await importsOf("deno.json"),
    memberImports: Object.fromEntries(entries),
  };
}

const paths = await listFiles(["jobs", "scripts", "charts"], ".ts");
const sources = await Promise.all(
  paths.map(async (path) => parseSource(path, await Deno.readTextFile(path))),
);

Deno.test("dependencies point one way: core, runtime, protocol, adapters, jobs, demo, tools, tests", async () => {
  const workspace = await readWorkspace();
  assertEquals(sources.flatMap((s) => directionProblems(s, workspace)), []);
});

Deno.test("each client is imported in one folder only", () => {
  assertEquals(clientProblems(sources), []);
});

const WORKSPACE: Workspace = {
  rootImports: ["@std/assert", "fast-check"],
  memberImports: { core: ["xxhash-wasm"], runtime: ["zod"], adapters: ["kafkajs", "zod"] },
};

const WRONG: [name: string, path: string, code: string, why: string][] = [
  ["core uses runtime", "jobs/core/a.ts", 'import "@pipeline/runtime";', "no other member"],
  [
    "core's test uses an adapter",
    "jobs/core/a_test.ts",
    'import "@pipeline/adapters/testing";',
    "",
  ],
  ["a type goes upwards", "jobs/core/a.ts", 'import type { A } from "@pipeline/speed";', ""],
  ["a type goes upwards in place", "jobs/core/a.ts", 'let a: import("@pipeline/speed").A;', ""],
  ["a re-export goes upwards", "jobs/runtime/a.ts", 'export * from "@pipeline/adapters";', ""],
  ["a dynamic import goes upwards", "jobs/runtime/a.ts", 'import("@pipeline/protocol");', ""],
  [
    "a job uses a job",
    "jobs/speed/main.ts",
    'import "@pipeline/batch";',
    "core, runtime, protocol",
  ],
  [
    "a job's pipeline uses an adapter",
    "jobs/speed/pipeline.ts",
    'import "@pipeline/adapters/x";',
    "",
  ],
  [
    "a job's configuration uses an adapter",
    "jobs/speed/config.ts",
    'import "@pipeline/adapters/kafka";',
    "core, runtime, protocol",
  ],
  [
    "a job's pipeline uses an adapter's settings",
    "jobs/speed/pipeline.ts",
    'import "@pipeline/adapters/kafka/config";',
    "core, runtime, protocol",
  ],
  [
    "an adapter's settings load its client",
    "jobs/adapters/kafka/config.ts",
    'import { Kafka } from "kafkajs";',
    "settings may import",
  ],
  [
    "an adapter's settings load a module of its own",
    "jobs/adapters/kafka/config.ts",
    'import "./log.ts";',
    "settings may import",
  ],
  [
    "the settings of all load a client",
    "jobs/adapters/config.ts",
    'import "./kafka/mod.ts";',
    "settings may import",
  ],
  ["a job's value uses an adapter", "jobs/speed/job.ts", 'import "@pipeline/adapters/kafka";', ""],
  ["a deep main.ts uses an adapter", "jobs/speed/x/main.ts", 'import "@pipeline/adapters/x";', ""],
  [
    "an adapter uses one in memory",
    "jobs/adapters/kafka/a.ts",
    'import "../testing/log.ts";',
    "for tests",
  ],
  [
    "a main.ts uses one in memory",
    "jobs/speed/main.ts",
    'import "@pipeline/adapters/testing";',
    "",
  ],
  ["adapters use a job", "jobs/adapters/a.ts", 'import "@pipeline/ingest";', ""],
  ["a new member has no place", "jobs/other/a.ts", 'import "@pipeline/core";', "no place"],
  ["a member uses its own name", "jobs/core/a.ts", 'import "@pipeline/core";', "relative path"],
  ["a path leaves the member", "jobs/speed/a.ts", 'import "../core/mod.ts";', "outside"],
  [
    "a worker's path leaves the member",
    "jobs/speed/a.ts",
    'new Worker(new URL("../batch/worker.ts", import.meta.url));',
    "outside",
  ],
  ["a private file is used", "jobs/core/a.ts", 'import "./sub/_b.ts";', "private"],
  ["a specifier is in place", "jobs/core/a.ts", 'import "npm:zod@4";', "manifest"],
  ["a package is undeclared", "jobs/speed/a.ts", 'import { z } from "zod/mini";', "declare zod"],
  ["a test's package is used", "jobs/core/a.ts", 'import fc from "fast-check";', "for tests"],
  ["core does I/O", "jobs/core/a.ts", 'import "node:fs";', "pure"],
  ["core asks for the time", "jobs/core/a.ts", "const now = Date.now();", "pure"],
  ["core makes a date of now", "jobs/core/a.ts", "const now = new Date();", "pure"],
  ["core is random", "jobs/core/a.ts", "const r = Math.random();", "pure"],
  ["core reads a file", "jobs/core/a.ts", "Deno.readTextFileSync(x);", "pure"],
  ["core waits", "jobs/core/a.ts", "setTimeout(f, 1);", "pure"],
  ["the console is touched", "jobs/speed/pipeline.ts", "console.log(1);", "only main.ts"],
  ["the console is handed on", "jobs/speed/pipeline.ts", "run({ console });", "only main.ts"],
  ["the environment is touched", "jobs/speed/config.ts", 'Deno.env.get("A");', "only main.ts"],
  [
    "the environment is taken apart",
    "jobs/speed/config.ts",
    "const { env } = Deno;",
    "only main.ts",
  ],
  ["the process is ended", "jobs/speed/a.ts", "globalThis.Deno.exit(1);", "only main.ts"],
  ["the process is ended by key", "jobs/speed/a.ts", 'Deno["exit"](1);', "only main.ts"],
  [
    "a tool uses a test's helper",
    "scripts/tools/a/b.ts",
    'import "../../../tests/a/c.ts";',
    "tests",
  ],
  [
    "a tool uses the tests by name",
    "scripts/tools/a/b.ts",
    'import("@pipeline/tests/c");',
    "tests",
  ],
  [
    "a script starts a test's worker",
    "scripts/a.ts",
    'new URL("../tests/a.ts", import.meta.url);',
    "",
  ],
  ["a chart uses a test's type", "charts/a.ts", 'import type { A } from "../tests/a.ts";', "tests"],
  ["a job uses a test's helper", "jobs/speed/a_test.ts", 'import "../../tests/support/b.ts";', ""],
  ["a worker uses the console", "jobs/batch/fold_worker.ts", "console.error(1);", "only main.ts"],
];

for (const [name, path, code, why] of WRONG) {
  Deno.test(`directionProblems() reports when ${name}`, () => {
    const problems = directionProblems(parseSource(path, `// first\n${code}`), WORKSPACE);
    assertEquals(problems.length, 1);
    assertStringIncludes(problems[0]!, `${path}:2 `);
    assertStringIncludes(problems[0]!, why);
  });
}

const RIGHT: [path: string, code: string][] = [
  ["jobs/core/a.ts", 'import { h } from "xxhash-wasm"; import "./b.ts"; new Date(0); Math.max(1);'],
  ["jobs/core/a.ts", "interface Clock { setTimeout: typeof setTimeout; fetch(): void }"],
  ["jobs/core/a.ts", '// console.log(Deno.env)\nconst text = "Deno.exit(1)";'],
  ["jobs/core/a_test.ts", 'import fc from "fast-check"; console.log(Date.now());'],
  ["jobs/core/sub/a.ts", 'import "./_b.ts"; import "../c.ts";'],
  ["jobs/runtime/a.ts", 'import { z } from "zod"; import "@pipeline/core/x"; import "node:fs";'],
  ["jobs/speed/main.ts", 'import "@pipeline/adapters/embedded"; Deno.exit(1); console.log(1);'],
  ["jobs/speed/config.ts", 'import "@pipeline/adapters/config";'],
  ["jobs/speed/config.ts", 'import "@pipeline/adapters/kafka/config";'],
  ["jobs/batch/day_worker.ts", 'import "@pipeline/adapters/hdfs";'],
  ["jobs/adapters/kafka/config.ts", 'import { text } from "@pipeline/runtime"; import "zod";'],
  ["jobs/speed/a_test.ts", 'import "@pipeline/adapters/testing";'],
  ["jobs/adapters/testing/a.ts", 'import "../testing/log.ts"; import "../contract/rules.ts";'],
  ["jobs/adapters/config.ts", 'import "./kafka/config.ts"; import "zod";'],
  ["jobs/demo/a.ts", 'import "@pipeline/speed"; import "@pipeline/adapters/embedded";'],
  ["tests/sim/a.ts", 'console.log(1); import "@pipeline/speed"; import "../support/a.ts";'],
  ["scripts/tools/a/b.ts", 'import "../tests/c.ts"; import "@pipeline/core"; import "zod";'],
];

for (const [path, code] of RIGHT) {
  Deno.test(`directionProblems() accepts ${code} in ${path}`, () => {
    assertEquals(directionProblems(parseSource(path, code), WORKSPACE), []);
  });
}

Deno.test("clientProblems() reports a client of two folders", () => {
  const sources = [
    parseSource("jobs/adapters/kafka/a.ts", 'import { Kafka } from "kafkajs";'),
    parseSource("jobs/adapters/kafka/b.ts", 'import { Kafka } from "kafkajs";'),
    parseSource("jobs/speed/a.ts", 'import type { Kafka } from "kafkajs/types";'),
  ];
  assertEquals(clientProblems(sources.slice(0, 2)), []);
  assertEquals(clientProblems(sources), [
    "kafkajs is imported in jobs/adapters/kafka and jobs/speed",
  ]);
});
