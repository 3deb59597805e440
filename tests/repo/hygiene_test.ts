import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseSource } from "./_source.ts";
import { isSnakeCase, makeTargets, namedCommands, textProblems } from "./_text.ts";

/** What git tracks or would track. */
async function repositoryFiles(): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  }).output();
  if (!success) throw new Error(`git ls-files: ${new TextDecoder().decode(stderr)}`);
  const paths = new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "");
  const present = await Promise.all(paths.map((path) => Deno.lstat(path).catch(() => undefined)));
  return paths.filter((_, i) => present[i]?.isFile);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof TypeError) return undefined; // It is no text.
    throw error;
  }
}

const files = await repositoryFiles();
const typescript = files.filter((path) => /\.tsx?$/.test(path));

Deno.test("files have no machine paths, registry hosts, leftovers or odd line ends", async () => {
  const problems = await Promise.all(files.map(async (path) => {
    const text = await readText(path);
    return text === undefined ? [] : textProblems(path, text);
  }));
  assertEquals(problems.flat(), []);
});

const BAD_LINES: [why: string, line: string][] = [
  ["a path of one machine", "cd /wo" + "rk/main"],
  ["a path of one machine", "file:///ro" + "ot/x"],
  ["a path of one machine", "see `/ho" + "me/me/x`"],
  ["a host of a package registry", "https://registry.npm" + "js.org/x"],
  ["a host of a package registry", "https://py" + "pi.org/simple"],
  ["a host of a package registry", "https://repo.maven" + ".apache.org/maven2"],
  ["something left to do", "// TO" + "DO: later"],
  ["something left to do", "# FIX" + "ME"],
  ["a carriage return", "text\r"],
  ["white space at the end", "text "],
  ["a merge conflict", "<<<<" + "<<< HEAD"],
];

for (const [why, line] of BAD_LINES) {
  Deno.test(`textProblems() reports ${why} in ${JSON.stringify(line)}`, () => {
    const [problem] = textProblems("x.ts", `fine\n${line}\n`);
    assertStringIncludes(problem ?? "none", "x.ts:2 has ");
    assertStringIncludes(textProblems("x.ts", `fine\n${line}\n`).join("\n"), why);
  });
}

Deno.test("textProblems() accepts paths of servers and programs", () => {
  const text = "/data/posts /v1/subreddits $HOME/x ../work/x a/home/b /etc/ssl work/root\n";
  assertEquals(textProblems("x.md", text), []);
  assertEquals(textProblems("x.md", "no newline"), ["x.md has no newline at its end"]);
});

Deno.test("TypeScript files are named in snake case", () => {
  assertEquals(typescript.filter((path) => !isSnakeCase(path)), []);
  assert(isSnakeCase("jobs/core/_top_k2.ts") && isSnakeCase("types.d.ts"));
  for (const bad of ["a/topK.ts", "top-k.ts", "Top.ts", "a__b.ts"]) assert(!isSnakeCase(bad), bad);
});

Deno.test("modules have no default export, and no test is switched off", async () => {
  const problems = await Promise.all(typescript.map(async (path) => {
    const source = parseSource(path, await Deno.readTextFile(path));
    // A declaration says what a package exports, which is not ours to choose.
    const foreign = path.endsWith(".d.ts");
    return [
      ...source.hasDefaultExport && !foreign ? [`${path} has a default export`] : [],
      ...source.disabledTests.map(({ name, line }) => `${path}:${line} uses ${name}`),
    ];
  }));
  assertEquals(problems.flat(), []);
});

Deno.test("parseSource() sees every form of a default export", () => {
  for (
    const code of [
      "export default 1;",
      "export default function f() {}",
      "export default class {}",
      "const a = 1; export { a as default };",
      'export { default } from "./b.ts";',
    ]
  ) assert(parseSource("a.ts", code).hasDefaultExport, code);
  assert(!parseSource("a.ts", 'import a from "b"; export { a };').hasDefaultExport);
});

Deno.test("parseSource() sees every form of a switched-off test", () => {
  for (
    const code of [
      'Deno.test.only("a", f);',
      'Deno.test.ignore("a", f);',
      'Deno.test({ name: "a", ignore: true, fn });',
      'Deno.test("a", { only }, f);',
      'await t.step({ name: "a", ignore: true, fn });',
      'Deno.bench.only("a", f);',
    ]
  ) assertEquals(parseSource("a_test.ts", code).disabledTests.length, 1, code);
  const fine = 'Deno.test({ name: "ignore: true", ignore: x > 1, fn }); run({ ignore: true });';
  assertEquals(parseSource("a_test.ts", fine).disabledTests, []);
});

Deno.test("each script is executable, and --help prints its usage", async () => {
  const scripts = files.filter((path) => /^(scripts|\.ci)\/[^/]+$/.test(path));
  assert(scripts.length > 0);
  for (const path of scripts) {
    const { mode } = await Deno.stat(path);
    assert(((mode ?? 0) & 0o111) !== 0, `${path} is not executable`);
    const command = new Deno.Command(path, { args: ["--help"], stdin: "null" });
    const { code, stdout } = await command.output();
    assertEquals(code, 0, path);
    assertStringIncludes(new TextDecoder().decode(stdout), "Usage:", path);
  }
});

Deno.test("documents name only make targets and scripts that exist", async () => {
  const targets = makeTargets(await Deno.readTextFile("Makefile"));
  for (const path of files.filter((path) => /^([^/]*|(docs|charts)\/.*)\.md$/.test(path))) {
    const named = namedCommands(await Deno.readTextFile(path));
    assertEquals(named.targets.filter((name) => !targets.has(name)), [], `make targets in ${path}`);
    const missing = named.scripts.filter((name) =>
      !files.some((file) => file === name || file.startsWith(`${name}/`))
    );
    assertEquals(missing, [], `scripts in ${path}`);
  }
});

Deno.test("each make target has a description", async () => {
  const targets = [...makeTargets(await Deno.readTextFile("Makefile"))];
  assertEquals(targets.filter(([, described]) => !described), []);
});

Deno.test("makeTargets() and namedCommands() read what readers read", () => {
  const makefile = "A := 1\n.PHONY: a\ndemo: ## run\n\t@make x\nclean-data:\n";
  assertEquals([...makeTargets(makefile)], [["demo", true], ["clean-data", false]]);
  const markdown = "make sure of `make demo` and\n\n    make PORT=1 test DURATION=30s\n\n" +
    "```sh\nmake bench && scripts/test tests/sim\n```\n";
  assertEquals(namedCommands(markdown), {
    targets: ["bench", "demo", "test"],
    scripts: ["scripts/test"],
  });
});

Deno.test("deno.lock names no host, and none of the stand-ins", async () => {
  const lock = await Deno.readTextFile("deno.lock");
  assert(!/https?:/.test(lock), "deno.lock has an address");
  for (const path of files.filter((path) => /^scripts\/offline\/jsr\/.*_meta\.json$/.test(path))) {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
    assert(!lock.includes(new Uint8Array(digest).toHex()), `deno.lock has the hash of ${path}`);
  }
});
