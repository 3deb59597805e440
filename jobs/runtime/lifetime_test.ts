import { assert, assertEquals, assertRejects } from "@std/assert";
import { Lifetime } from "./lifetime.ts";

Deno.test("end() aborts the signal and resolves done", async () => {
  const life = new Lifetime();
  assertEquals(life.signal.aborted, false);
  life.end();
  assert(life.signal.aborted);
  await life.done;
});

Deno.test("fail() rejects done with the first reason, and ends nothing by itself", async () => {
  const life = new Lifetime();
  life.fail(new Error("first"));
  life.fail(new Error("second"));
  life.end();
  await assertRejects(() => life.done, Error, "first");
});

Deno.test("a failure that no caller awaits is not an unhandled rejection", async () => {
  new Lifetime().fail(new Error("unseen"));
  await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("follow() fails with a part of the work", async () => {
  const life = new Lifetime();
  life.follow(Promise.reject(new Error("part")));
  await assertRejects(() => life.done, Error, "part");
});
