import { assert, assertEquals, assertFalse } from "@std/assert";
import { PipelineError } from "@pipeline/core";
import { isSecretKey, presentable, redactUrls } from "./secrets.ts";

Deno.test("isSecretKey() knows credentials by the name of their key", () => {
  for (const key of ["password", "saslPassword", "API_KEY", "apiKey", "Authorization", "secret"]) {
    assert(isSecretKey(key), key);
  }
  for (const key of ["key", "username", "topic", "passed", "path"]) assertFalse(isSecretKey(key));
});

Deno.test("redactUrls() removes users and passwords from URLs", () => {
  assertEquals(redactUrls("GET https://u:p@es:9200/_bulk"), "GET https://es:9200/_bulk");
  assertEquals(redactUrls("https://u:p@ss@es:9200/a@b"), "https://es:9200/a@b");
  assertEquals(redactUrls("mail a@b.c"), "mail a@b.c");
});

Deno.test("presentable() redacts at any depth and survives circular values", () => {
  const circular: Record<string, unknown> = { a: { password: "hunter2", list: [{ token: "t" }] } };
  circular.self = circular;
  const text = JSON.stringify(presentable(circular));
  assertFalse(text.includes("hunter2"));
  assertFalse(text.includes('"t"'));
  assert(text.includes("[redacted]"));
});

Deno.test("presentable() shows errors with code and causes, without credentials", () => {
  const cause = new Error("connect https://me:hunter2@es:9200 failed");
  const error = new PipelineError("unavailable", "Elasticsearch does not answer", { cause });
  const shown = presentable({ error }) as { error: { code: string; cause: { message: string } } };
  assertEquals(shown.error.code, "unavailable");
  assertEquals(shown.error.cause.message, "connect https://es:9200 failed");
  assertFalse(JSON.stringify(shown).includes("hunter2"));
});

Deno.test("presentable() keeps keys such as __proto__ as they are", () => {
  const shown = presentable(JSON.parse('{"__proto__":{"a":1},"constructor":2}'));
  assertEquals(JSON.stringify(shown), '{"__proto__":{"a":1},"constructor":2}');
});

Deno.test("presentable() turns values that JSON lacks into text", () => {
  assertEquals(presentable([NaN, 5n, new Uint8Array(3), new Set([1])]), ["NaN", "5", "3 bytes", [
    1,
  ]]);
});
