import { TestClock } from "@pipeline/runtime";
import { assertArrayIncludes, assertEquals, assertRejects } from "@std/assert";
import { Addresses, resolveInDns } from "./_addresses.ts";
import { Names } from "./testing/names.ts";

/** Addresses of `speed` that are looked up once a second. */
function addresses(names: Names, clock: TestClock, urls = ["http://speed:8090"]) {
  const options = { resolve: names.resolve, clock, interval: 1_000, changed: () => {} };
  const found = new Addresses(urls, options);
  return { found, text: () => found.all.map(({ host, port }) => `${host}:${port}`) };
}

Deno.test("Addresses.refresh() looks a name up once in an interval, or after a failure", async () => {
  const [clock, names] = [new TestClock(), new Names()];
  const { found } = addresses(names, clock);
  await Promise.all([found.refresh(), found.refresh()]);
  await clock.advance(999);
  await found.refresh();
  assertEquals(names.asked, 1);
  await clock.advance(1);
  await found.refresh();
  assertEquals(names.asked, 2);
  await found.refresh(true);
  assertEquals(names.asked, 3);
});

Deno.test("Addresses.all are those of both families, each once, in a fixed order", async () => {
  const [clock, names] = [new TestClock(), new Names()];
  const { found, text } = addresses(names, clock, ["http://speed:8090", "http://speed-b:8090"]);
  names.answer = ["fd00::2", "10.0.0.2", "10.0.0.1"];
  await found.refresh();
  assertEquals(text(), ["10.0.0.1:8090", "10.0.0.2:8090", "[fd00::2]:8090"]);
});

Deno.test("Addresses.all stay as they were if a look-up fails or finds nothing", async () => {
  const [clock, names] = [new TestClock(), new Names()];
  const { found, text } = addresses(names, clock);
  for (const answer of [["10.0.0.1"], new Error("SERVFAIL"), []]) {
    names.answer = answer;
    await found.refresh(true);
    assertEquals(text(), ["10.0.0.1:8090"]);
  }
  names.answer = ["10.0.0.2"];
  await found.refresh(true);
  assertEquals(text(), ["10.0.0.2:8090"]);
});

Deno.test("Addresses uses addresses and localhost as they are", async () => {
  const [clock, names] = [new TestClock(), new Names()];
  const urls = ["http://10.0.0.1", "http://[::1]:8090", "http://localhost:8090"];
  const { found, text } = addresses(names, clock, urls);
  assertEquals(found.isKnown, true);
  await found.refresh();
  assertEquals(names.asked, 0);
  assertEquals(text(), ["10.0.0.1:80", "[::1]:8090", "localhost:8090"]);
});

Deno.test("Addresses.close() abandons a look-up that has no answer", async () => {
  const [clock, names] = [new TestClock(), new Names()];
  const { found } = addresses({ ...names, resolve: () => new Promise(() => {}) } as Names, clock);
  const looking = found.refresh();
  await found.close();
  await looking;
  assertEquals(clock.sleeping, 0);
});

Deno.test("resolveInDns() finds localhost, and rejects for what has no name", async () => {
  const { signal } = new AbortController();
  assertArrayIncludes(await resolveInDns("localhost", signal), ["127.0.0.1"]);
  await assertRejects(() => resolveInDns("localhost", AbortSignal.abort()));
});
