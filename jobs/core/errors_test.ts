import { assert, assertEquals } from "@std/assert";
import { type ErrorCode, hasCode, PipelineError } from "./errors.ts";

Deno.test("PipelineError reports what went wrong, why, and whether a retry can help", () => {
  const cause = new Error("socket closed");
  const error = new PipelineError("unavailable", "The log does not answer", { cause });
  assertEquals([error.name, error.code, error.cause], ["PipelineError", "unavailable", cause]);
  const retriable = (code: ErrorCode) => new PipelineError(code, "x").retriable;
  assert(retriable("unavailable") && retriable("full"));
  for (const code of ["invalid", "conflict", "corrupt", "diverged", "stopped"] as const) {
    assert(!retriable(code), code);
  }
});

Deno.test("hasCode() is true only for a pipeline error with the code", () => {
  const error = new PipelineError("exists", "x");
  assert(hasCode(error, "exists"));
  for (const other of [Object.assign(new Error("x"), { code: "exists" }), "exists", null]) {
    assert(!hasCode(other, "exists"));
  }
  assert(!hasCode(error, "not_found"));
});
