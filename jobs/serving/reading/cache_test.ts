import { assert, assertEquals, assertRejects } from "@std/assert";
import { Cache, type Loaded } from "./cache.ts";

/** A cache of texts; `loads` has what was read, call by call. */
function world(maxBytes = 100) {
  const cache = new Cache<string>(maxBytes);
  const loads: string[][] = [];
  const read = (...keys: string[]) =>
    cache.many(keys, (missing): Promise<Loaded<string>[]> => {
      loads.push([...missing]);
      return Promise.resolve(
        missing.map((key) => ({ value: `value of ${key}`, bytes: 10, keep: !key.startsWith("-") })),
      );
    });
  return { cache, loads, read };
}

Deno.test("Cache reads what it does not hold, in one call, and keeps the order of keys", async () => {
  const { cache, loads, read } = world();
  assertEquals(await read("a", "b"), ["value of a", "value of b"]);
  assertEquals(await read("c", "a", "d"), ["value of c", "value of a", "value of d"]);
  assertEquals(loads, [["a", "b"], ["c", "d"]]);
  assertEquals([cache.bytes, cache.reads], [40, { hit: 1, miss: 4 }]);
});

Deno.test("Cache shares one reading among concurrent calls", async () => {
  const { loads, read } = world();
  const all = await Promise.all([read("a", "b"), read("b", "c"), read("a")]);
  assertEquals(all.map((values) => values.length), [2, 2, 1]);
  assertEquals(loads, [["a", "b"], ["c"]]);
});

Deno.test("Cache drops the least recently used values beyond its bytes", async () => {
  const { cache, loads, read } = world(30);
  await read("a", "b", "c");
  await read("a");
  await read("d");
  assertEquals(cache.bytes, 30);
  await read("a", "c", "d");
  assertEquals(loads.slice(2), [], "b was dropped alone");
  await read("b");
  assertEquals(loads.at(-1), ["b"]);
});

Deno.test("Cache never holds more than its bytes, nor what must not be kept", async () => {
  const { cache, loads, read } = world(9);
  assertEquals(await read("a"), ["value of a"]);
  assertEquals(cache.bytes, 0);
  const other = world();
  await other.read("-a");
  await other.read("-a");
  assertEquals(other.loads, [["-a"], ["-a"]]);
  assert(loads.length === 1);
});

Deno.test("Cache does not keep a failure, and reports it to all who wait", async () => {
  const { cache, read } = world();
  const fail = () => cache.one("a", () => Promise.reject(new Error("away")));
  const results = await Promise.allSettled([fail(), read("a")]);
  assertEquals(results.map(({ status }) => status), ["rejected", "rejected"]);
  await assertRejects(fail);
  assertEquals(await read("a"), ["value of a"]);
});
