import { assert, assertEquals, assertRejects } from "@std/assert";
import { inOrder } from "./ahead.ts";

const after = <T>(ms: number, value: T) =>
  new Promise<T>((resolve) => setTimeout(() => resolve(value), ms));

Deno.test("inOrder() yields results in the order of the items, not of their completion", async () => {
  const results = await Array.fromAsync(inOrder([5, 1, 3], (ms) => after(ms, ms)));
  assertEquals(results, [5, 1, 3]);
});

Deno.test("inOrder() keeps a bounded number under way", async () => {
  let running = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    await after(1, undefined);
    running--;
  };
  for await (const _ of inOrder(Array(100).keys(), work));
  assert(most > 1 && most <= 16, `${most} at a time`);
});

Deno.test("inOrder() passes on the first error and begins nothing after it", async () => {
  let begun = 0;
  const work = (i: number) => {
    begun++;
    return i === 2 ? Promise.reject(new Error("no")) : Promise.resolve(i);
  };
  await assertRejects(() => Array.fromAsync(inOrder(Array(100).keys(), work)), Error, "no");
  assert(begun <= 20, `${begun} were begun`);
});

Deno.test("inOrder() keeps an error for its turn while the reader is busy", async () => {
  const seen: number[] = [];
  const read = async () => {
    const work = (i: number) => i === 2 ? Promise.reject(new Error("no")) : Promise.resolve(i);
    for await (const i of inOrder(Array(100).keys(), work)) {
      seen.push(i);
      await after(5, undefined);
    }
  };
  await assertRejects(read, Error, "no");
  assertEquals(seen, [0, 1]);
});
