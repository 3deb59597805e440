import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { z } from "zod";
import { parseCommandLine } from "./cli.ts";
import { errorText, exitCode } from "./exit.ts";
import { duration, integer, port } from "./fields.ts";

const program = {
  name: "pipeline",
  summary: "Runs the whole pipeline.",
  commands: {
    run: {
      summary: "Runs everything.",
      flags: z.strictObject({
        port: port().prefault(30080).describe("Port of the page."),
        rate: integer({ max: 50_000 }).prefault(100).describe("Records a second."),
        duration: duration().optional().describe("Ends by itself after that time."),
        posts: z.array(z.string()).prefault([]).describe("Archives of submissions."),
        maxRecords: integer().optional(),
        color: z.boolean().prefault(true).describe("Colours."),
        quiet: z.boolean().prefault(false).describe("Says less."),
        level: z.enum(["info", "debug"]).prefault("info").describe("What is logged."),
      }),
    },
    verify: { summary: "Compares.", flags: z.strictObject({}) },
  },
  fallback: "run",
} as const;

function flags(...args: string[]) {
  const parsed = parseCommandLine(program, args);
  if (parsed.command !== "run") throw new Error(`not run: ${parsed.command}`);
  return parsed.flags;
}

function problem(...args: string[]): string {
  return assertThrows(() => parseCommandLine(program, args), PipelineError).message;
}

Deno.test("parseCommandLine() types flags and fills in defaults", () => {
  const parsed = flags("run", "--port", "8080", "--duration=30s", "--max-records", "5", "--quiet");
  assertEquals(parsed, {
    port: 8080,
    rate: 100,
    duration: 30_000,
    posts: [],
    maxRecords: 5,
    color: true,
    quiet: true,
    level: "info",
  });
});

Deno.test("parseCommandLine() knows lists, repeated flags and --no-", () => {
  const parsed = flags("--posts", "a,b", "--posts=c", "--no-color");
  assertEquals(parsed.posts, ["a", "b", "c"]);
  assertEquals(parsed.color, false);
});

Deno.test("parseCommandLine() reports problems, and suggests what may have been meant", () => {
  assertEquals(problem("--prot", "1"), '--prot is not known; did you mean "--port"?');
  assertEquals(problem("rnu"), 'rnu is no command of pipeline; did you mean "run"?');
  assertEquals(
    problem("--port", "http"),
    '--port is "http": it must be an integer between 1 and 65535',
  );
  assertEquals(problem("--rate=-1"), "--rate is -1: it must be an integer between 0 and 50000");
  assertEquals(problem("--level", "x"), '--level is "x": it must be one of "info", "debug"');
  assertEquals(problem("run", "now"), "now is one argument too many");
  assertEquals(problem("--rate"), '--rate is "": it must be an integer between 0 and 50000');
  assertStringIncludes(problem("--__proto__=1"), "--__proto__ is not known");
});

Deno.test("parseCommandLine() means a program's only command also where none is named", () => {
  const only = {
    name: "speed",
    summary: "Folds.",
    commands: {
      run: { summary: "Folds until told to end.", flags: z.strictObject({ config: z.string() }) },
    },
  };
  const parsed = (...args: string[]) => parseCommandLine(only, args);
  const wanted = { command: "run", flags: { config: "a.json" } };
  assertEquals(parsed("--config", "a.json"), wanted as ReturnType<typeof parsed>);
  assertEquals(parsed("run", "--config=a.json"), wanted as ReturnType<typeof parsed>);
  for (const args of [["--help"], ["help"], ["run", "-h"]]) {
    assertEquals(parsed(...args).command, "help");
  }
  assertThrows(() => parsed(), PipelineError, "--config is missing");
  assertThrows(() => parsed("rnu"), PipelineError, "rnu is no command of speed");
});

Deno.test("parseCommandLine() generates help with meanings and defaults", () => {
  const all = parseCommandLine(program, ["help"]);
  const one = parseCommandLine(program, ["run", "--help"]);
  if (all.command !== "help" || one.command !== "help") throw new Error("no help");
  assertStringIncludes(all.text, "  run     Runs everything. (where none is named)");
  assertStringIncludes(all.text, "  verify  Compares.");
  assertStringIncludes(one.text, "--port PORT");
  assertStringIncludes(one.text, "Port of the page. (default: 30080)");
  assertStringIncludes(one.text, "--level info|debug");
});

Deno.test("parseCommandLine() reads a program with one command", () => {
  const single = {
    name: "serve",
    summary: "",
    commands: { serve: { summary: "Serves.", flags: z.strictObject({ port: port() }) } },
    fallback: "serve",
  } as const;
  assertEquals(parseCommandLine(single, ["--port", "1"]), { command: "serve", flags: { port: 1 } });
  const help = parseCommandLine(single, ["-h"]);
  assertStringIncludes(help.command === "help" ? help.text : "", "Usage: serve [flags]");
  assertThrows(() => parseCommandLine(single, []), PipelineError, "--port is missing");
});

Deno.test("exitCode() distinguishes bad input from other errors", () => {
  assertEquals(exitCode(new PipelineError("invalid", "x")), 2);
  assertEquals(exitCode(new PipelineError("unavailable", "x")), 1);
  assertEquals(exitCode(new Error("x")), 1);
  assertEquals(exitCode(undefined), 1);
});

Deno.test("errorText() follows causes and hides credentials", () => {
  const cause = new Error("connect to https://u:p@es:9200 refused");
  const error = new PipelineError("unavailable", "The store does not answer", { cause });
  assertEquals(errorText(error), "The store does not answer: connect to https://es:9200 refused");
});
