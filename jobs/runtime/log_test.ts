import { assertEquals, assertFalse } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { TestClock } from "./clock.ts";
import { createLogger, type LogLevel } from "./log.ts";

function recorder(level?: LogLevel) {
  const lines: string[] = [];
  const clock = new TestClock(Date.UTC(2026, 0, 2));
  const sink = (line: string) => lines.push(line);
  return { lines, log: createLogger({ sink, clock, ...(level === undefined ? {} : { level }) }) };
}

Deno.test("createLogger() writes one JSON object a line, level, time and message first", () => {
  const { lines, log } = recorder();
  log.with({ job: "speed" }).info("Folded\na batch", { topic: "reddit.posts", offset: 5 });
  assertEquals(lines, [
    '{"level":"info","time":"2026-01-02T00:00:00.000Z","msg":"Folded\\na batch",' +
    '"job":"speed","topic":"reddit.posts","offset":5}',
  ]);
});

Deno.test("createLogger() omits lines below its level", () => {
  const { lines, log } = recorder("warn");
  log.info("no");
  log.debug("no");
  log.error("yes");
  assertEquals(lines.length, 1);
});

Deno.test("createLogger() redacts credentials in fields, URLs and errors", () => {
  const { lines, log } = recorder();
  const cause = new Error("https://u:hunter2@es:9200 refused");
  log.error("Could not reach https://u:hunter2@es:9200", {
    error: new PipelineError("unavailable", "no answer", { cause }),
    sasl: { username: "me", password: "hunter2" },
  });
  assertFalse(lines[0]!.includes("hunter2"));
  assertEquals(JSON.parse(lines[0]!).error.code, "unavailable");
});

Deno.test("createLogger() lets no field replace the line's own members", () => {
  const { lines, log } = recorder();
  log.info("true", { msg: "false", level: "x" });
  assertEquals([JSON.parse(lines[0]!).msg, JSON.parse(lines[0]!).level], ["true", "info"]);
});
